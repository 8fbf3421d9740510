// Pictures for people to look at, on a phone and on a desk, light and dark: every state of the widget on the dashboard, in
// English and Arabic, every screen of the partner's app and every page that a coupon is on; one sheet for each of these. And the picture of the README.
// `ONBILL_SCREENSHOTS=1 cargo xtask test browser` takes them and tests nothing; `widget`, `app` or `coupons` instead of the 1
// takes those only. `all` takes the widget in every width, look and language that it has to be looked at in; this takes long.

import fs from 'node:fs';
import path from 'node:path';
import { walkApp } from './harness/app_gallery.mjs';
import { launch } from './harness/browser.mjs';
import { walkCoupons } from './harness/coupon_gallery.mjs';
import { walk } from './harness/gallery.mjs';
import { acme, netflix, out } from './harness/system.mjs';
import { App } from './pages/app.mjs';
import { Dashboard } from './pages/dashboard.mjs';
import { ben, hana, novaStrangers, olga, pete, rosa } from './people.mjs';

const folder = path.join(out, 'screenshots');
const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1200, height: 800 } };
const SHEET_COLUMNS = { column: 8, small: 8, phone: 7, desk: 6 };

/** The looks of the widget's series. */
function* widgetLooks() {
  const all = process.env.ONBILL_SCREENSHOTS === 'all';
  const narrow = all && { column: { width: 280, height: 740 }, small: { width: 320, height: 740 } };
  const kinds = { light: {}, dark: { colorScheme: 'dark' }, ...all && { forced: { forcedColors: 'active' }, large: { fontSize: '200%' } } };
  for (const [size, viewport] of Object.entries({ ...narrow, ...SIZES })) {
    for (const [kind, look] of Object.entries(kinds)) {
      for (const locale of all ? ['en', 'de', 'ar'] : ['en', 'ar']) yield { size, viewport, kind, colorScheme: 'light', locale, ...look };
    }
  }
}

export async function take() {
  fs.rmSync(folder, { recursive: true, force: true });
  const browser = await launch();
  const wanted = what => ['1', what, what === 'widget' && 'all'].includes(process.env.ONBILL_SCREENSHOTS);
  for (const look of wanted('widget') ? widgetLooks() : []) await series(browser, look);
  await onTheBill(browser, hana);
  const strangers = [...novaStrangers];
  const buyers = [hana, olga, pete, rosa];
  for (const [size, viewport] of Object.entries(SIZES)) {
    for (const colorScheme of ['light', 'dark']) {
      const look = { size, viewport, colorScheme };
      if (wanted('app')) await appSeries(browser, { ...look, stranger: strangers.pop() });
      if (wanted('coupons')) await couponSeries(browser, { ...look, buyer: buyers.pop() });
    }
  }
  if (wanted('widget')) await forTheReadme(browser);
  await browser.close();
  console.log(`  The pictures are in ${folder}`);
}

/** Each state in one size, colour and language: the widget alone, and the whole page once. */
async function series(browser, { size, viewport, kind, colorScheme, forcedColors, fontSize, locale }) {
  const name = `${size}-${kind}-${locale}`;
  const dir = path.join(folder, name);
  const context = await browser.newContext({ viewport, colorScheme, ...forcedColors && { forcedColors }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const files = [];
  await walk({ page, announce: () => {} }, { locale, words: process.env.ONBILL_ONLY }, async (state, widget) => {
    if (fontSize) await widget.body.evaluate((_, size) => { document.documentElement.style.fontSize = size; }, fontSize);
    const file = path.join(dir, `${String(files.length + 1).padStart(2, '0')}-${state.replace(/[^a-z]+/g, '-')}.png`);
    if (state === 'number') await page.screenshot({ path: path.join(dir, '00-page.png'), fullPage: true });
    await page.locator('pay-on-bill').screenshot({ path: file });
    files.push({ state, file });
  });
  await sheet(context, files, SHEET_COLUMNS[size], path.join(folder, `${name}.png`));
  await context.close();
  console.log(`  ${name}: ${files.length} states`);
}

/** Each screen of the app in one size and colour. */
async function appSeries(browser, { stranger, ...look }) {
  await pagesSeries(browser, { ...look, name: 'app' }, async (page, picture) => {
    await page.goto(`${netflix.url}/app`);
    await picture('sims');
    await walkApp(page, { stranger, member: hana }, picture);
  });
}

/** Each page that a coupon is on. */
async function couponSeries(browser, { buyer, ...look }) {
  const email = `new-${look.size}-${look.colorScheme}@example.com`;
  await pagesSeries(browser, { ...look, name: 'coupons' }, (page, picture) => walkCoupons(page, { buyer, email }, picture));
}

/** Whole pages, in one size and colour, wherever `walk` goes. */
async function pagesSeries(browser, { name: what, size, viewport, colorScheme }, walk) {
  const name = `${what}-${size}-${colorScheme}`;
  const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
  const page = await context.newPage();
  const files = [];
  const look = async screen => {
    const file = path.join(folder, name, `${String(files.length + 1).padStart(2, '0')}-${screen.replace(/[^a-z]+/g, '-')}.png`);
    await page.screenshot({ path: file, fullPage: true });
    files.push({ state: screen, file });
  };
  await walk(page, look);
  await sheet(context, files, SHEET_COLUMNS[size], path.join(folder, `${name}.png`));
  await context.close();
  console.log(`  ${name}: ${files.length} screens`);
}

/** Signs somebody up, so that the app can show what it shows to members. */
async function onTheBill(browser, msisdn) {
  const page = await browser.newPage();
  const app = await new App(page).with(acme, msisdn);
  await app.tap('validate');
  await app.createAccount('hana@example.com');
  await app.shows('done');
  await page.close();
}

/** All pictures of a series on one. */
async function sheet(context, files, columns, file) {
  const page = await context.newPage();
  const figures = files.map(({ state, file: picture }) =>
    `<figure><figcaption>${state}</figcaption><img src="data:image/png;base64,${fs.readFileSync(picture, 'base64')}"></figure>`);
  await page.setViewportSize({ width: columns * 300, height: 400 });
  await page.setContent(`<!doctype html><style>body{margin:0;background:#888;columns:${columns};column-gap:8px}figure{margin:0 0 12px;break-inside:avoid}
    img{width:100%}figcaption{font:14px sans-serif;color:#fff}</style>${figures.join('')}`);
  await page.screenshot({ path: file, fullPage: true });
}

/** The dashboard of somebody who is logged in, at the offer. */
async function forTheReadme(browser) {
  const context = await browser.newContext({ viewport: { width: 1120, height: 800 }, colorScheme: 'light', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const widget = await new Dashboard(page, acme).logIn(ben);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  const offer = await page.locator('.offer').boundingBox();
  const clip = { x: 0, y: 0, width: 1120, height: Math.round(offer.y + offer.height + 28) };
  await page.screenshot({ path: path.join(folder, 'readme.png'), fullPage: true, clip });
  await context.close();
}
