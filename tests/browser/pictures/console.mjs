// The console, as each desk sees it: every page on a phone and on a desk, light and dark, with something on it; a sheet for
// each of these.

import path from 'node:path';
import { acme, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { App } from '../pages/app.mjs';
import { Console } from '../pages/console.mjs';
import { ivo } from '../people.mjs';
import { writeSheet } from './contact_sheet.mjs';
import { slug } from './slug.mjs';

const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 800 } };
const SHEET_COLUMNS = { phone: 7, desk: 4 };
const LOOKS = Object.entries(SIZES).flatMap(([size, viewport]) => ['light', 'dark'].map(colorScheme => ({ size, viewport, colorScheme })));

/** Whose pages are where. */
const DESKS = {
  Robin: ['/care', '/disputes'],
  Kim: ['/approvals', '/disputes'],
  Sasha: ['/approvals'],
  Noa: ['/billing'],
  Alex: ['/finance', '/finance/print', '/disputes?state=accepted'],
  Jo: ['/disputes'],
  Mika: ['/product'],
  Dana: ['/auditor', '/finance'],
  Toni: ['/on-call', '/on-call/runbook/outbox-parked'],
};

export async function takeConsole(browser, folder) {
  const charge = await prepare(browser);
  for (const { size, viewport, colorScheme } of LOOKS) {
    const name = `console-${size}-${colorScheme}`;
    const files = [];
    for (const [who, paths] of Object.entries(DESKS)) {
      const context = await browser.newContext({ viewport, colorScheme, reducedMotion: 'reduce' });
      const page = await context.newPage();
      const desk = await new Console(page).signIn(who);
      const picture = async screen => {
        const file = path.join(folder, 'pages', name, `${slug(files.length, `${who} ${screen}`)}.png`);
        await page.screenshot({ path: file, fullPage: true });
        files.push({ screen: `${who} ${screen}`, file });
      };
      for (const at of paths) {
        await desk.open(at);
        await picture(at.replaceAll(/[/?=]/g, ' ').trim());
      }
      if (paths.includes('/care')) await walkCare(desk, charge, picture);
      await context.close();
    }
    const context = await browser.newContext();
    await writeSheet(context, folder, files, SHEET_COLUMNS[size], name);
    await context.close();
    console.log(`  ${name}: ${files.length} screens`);
  }
}

/** The customer on the line, with what an agent opens. */
async function walkCare(desk, { transactionID }, picture) {
  const { page } = desk;
  await desk.lookUp(ivo);
  await picture('customer');
  for (const summary of await page.locator('summary').all()) await summary.click();
  await picture('customer, all open');
  await page.locator('article').getByLabel('Reference').first().fill('T-1');
  await page.getByRole('button', { name: /^Close Netflix/ }).first().click();
  await picture('close');
  await desk.lookUp(ivo);
  await desk.entry(transactionID).first().waitFor();
  await page.getByLabel('Telephone number').count();
  await desk.open('/care');
  await page.getByLabel('Telephone number').fill('+12025550199');
  await page.getByRole('button', { name: 'Look up' }).click();
  await picture('nobody');
}

/** A customer with charges, a refund that waits, disputes, and a dead letter. */
async function prepare(browser) {
  const page = await browser.newPage();
  const app = await new App(page).with(acme, ivo);
  await app.tap('validate');
  await app.createAccount('ivo@example.com');
  await app.shows('done');
  await netflix.billingRun('2027-09');
  const { lines } = await until('a line', async () => {
    const bill = await acme.bill(ivo);
    return bill.lines.length > 0 && bill;
  });
  const charge = lines[0];
  await page.close();
  const context = await browser.newContext();
  const kim = await new Console(await context.newPage()).signIn('Kim');
  await kim.lookUp(ivo);
  await kim.refund(charge.transactionID, '5.00', 'T-1');
  await kim.lookUp(ivo);
  await kim.refund(charge.transactionID, '10.99', 'T-2');
  await kim.lookUp(ivo);
  await kim.dispute(charge.transactionID, 'Fraud: another person used the line', 'D-1');
  await context.close();
  await acme.withFaults({ down: true }, async () => {
    await netflix.billingRun('2027-10');
    // The start also counts the day.
    await acme.exhaust();
    const other = await browser.newContext();
    const noa = await new Console(await other.newPage()).signIn('Noa');
    await until('a dead letter is there', async () => {
      await noa.open('/billing');
      return await noa.page.getByText('HTTP 503').count() > 0;
    });
    await other.close();
  });
  return charge;
}
