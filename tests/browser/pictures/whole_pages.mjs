// Whole pages of the real system, on a phone and on a desk, light and dark: the way from the dashboard to the partner's sign-up
// page and back, every screen of the partner's app, and every page that a coupon is on; a sheet for each of these.

import path from 'node:path';
import { walkApp } from '../harness/app_gallery.mjs';
import { walkCoupons } from '../harness/coupon_gallery.mjs';
import { acme, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { App } from '../pages/app.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { ben, carl, dora, hana, kim, novaStrangers, olga, pete, rosa } from '../people.mjs';
import { writeSheet } from './contact_sheet.mjs';
import { slug } from './slug.mjs';

const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 800 } };
const SHEET_COLUMNS = { phone: 7, desk: 6 };
const LOOKS = Object.entries(SIZES).flatMap(([size, viewport]) => ['light', 'dark'].map(colorScheme => ({ size, viewport, colorScheme })));

export async function takeWay(browser, folder) {
  const people = [ben, carl, dora, kim];
  for (const [n, look] of LOOKS.entries()) {
    const email = `way-${look.size}-${look.colorScheme}@example.com`;
    await takeSeries(browser, folder, 'way', look, (page, picture) => walkWay(page, { msisdn: people[n], email }, picture));
  }
}

/** From the dashboard to the partner's page and back, and what the customer finds afterwards. */
async function walkWay(page, { msisdn, email }, picture) {
  const dashboard = new Dashboard(page, acme);
  const { widget } = dashboard;
  const look = async name => {
    const card = widget.inside.locator('#card');
    await until('the step has its room', async () => !await page.locator('pay-on-bill').count()
      || card.evaluate(each => each.getBoundingClientRect().bottom <= innerHeight + 1));
    await picture(name);
  };
  await dashboard.open();
  await look('nobody');
  await dashboard.logIn(msisdn);
  await look('signed in');
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  await look('agreement');
  await widget.$('confirm-submit').click();
  const signUp = await new SignUp(page).opens();
  await look('sign-up');
  await page.locator('#new-submit').click();
  await page.locator('#new-problem').waitFor();
  await look('sign-up, empty');
  await signUp.createAccount(email);
  await page.locator('#all-set').waitFor();
  await look('all set');
  await signUp.goBack();
  await dashboard.isBack('success');
  await look('back');
  await page.goto(`${acme.dashboard}/subscriptions`);
  await widget.shows('account');
  await look('own page');
  await widget.inside.locator('#links button').first().click();
  await widget.shows('unlink');
  await look('own page, unlink');
  for (const path of ['/playground', '/done', '/top-up']) {
    await page.goto(acme.dashboard + path);
    await picture(path.slice(1));
  }
  await page.goto(acme.page('bill', msisdn));
  await picture('bill');
}

export async function takeApp(browser, folder) {
  await putOnTheBill(browser, hana);
  for (const [n, look] of LOOKS.entries()) {
    await takeSeries(browser, folder, 'app', look, async (page, picture) => {
      await page.goto(`${netflix.url}/app`);
      await picture('sims');
      await walkApp(page, { stranger: novaStrangers[n], member: hana }, picture);
    });
  }
}

export async function takeCoupons(browser, folder) {
  const buyers = [rosa, pete, olga, hana];
  for (const [n, look] of LOOKS.entries()) {
    const email = `new-${look.size}-${look.colorScheme}@example.com`;
    await takeSeries(browser, folder, 'coupons', look, (page, picture) => walkCoupons(page, { buyer: buyers[n], email }, picture));
  }
}

/** Whole pages, in one size and colour, wherever `walk` goes. */
async function takeSeries(browser, folder, what, { size, viewport, colorScheme }, walk) {
  const name = `${what}-${size}-${colorScheme}`;
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const files = [];
  await walk(page, async screen => {
    const file = path.join(folder, 'pages', name, `${slug(files.length, screen)}.png`);
    await page.screenshot({ path: file, fullPage: true });
    files.push({ screen, file });
  });
  await writeSheet(context, folder, files, SHEET_COLUMNS[size], name);
  await context.close();
  console.log(`  ${name}: ${files.length} screens`);
}

/** Signs somebody up, so that the app can show what it shows to members. */
async function putOnTheBill(browser, msisdn) {
  const page = await browser.newPage();
  const app = await new App(page).with(acme, msisdn);
  await app.tap('validate');
  await app.createAccount('hana@example.com');
  await app.shows('done');
  await page.close();
}
