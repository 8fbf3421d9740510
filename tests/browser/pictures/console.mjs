// The console, as each desk sees it: every page on a phone and on a desk, light and dark, with something on it; and those with
// the most on them in forced colours, with text of twice the size, and on paper. A sheet for each of these.

import path from 'node:path';
import { acme, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { App } from '../pages/app.mjs';
import { Console } from '../pages/console.mjs';
import { ivo } from '../people.mjs';
import { writeSheet } from './contact_sheet.mjs';
import { slug } from './slug.mjs';

const SIZES = { phone: { width: 360, height: 740 }, desk: { width: 1280, height: 800 } };
/** A4 with the margins that browsers have. */
const PAPER = { width: 718, height: 1015 };
const SHEET_COLUMNS = { phone: 7, desk: 4 };

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
/** The most of text, of forms, of tables and of charts, and each question. */
const FEW = {
  Robin: ['/care'],
  Kim: ['/approvals'],
  Jo: ['/disputes'],
  Noa: ['/billing'],
  Mika: ['/product'],
  Dana: ['/auditor'],
  Toni: ['/on-call/runbook/disk-low'],
};

const LOOKS = [
  ...Object.entries(SIZES).flatMap(([size, viewport]) => ['light', 'dark'].map(colorScheme =>
    ({ name: `${size}-${colorScheme}`, columns: SHEET_COLUMNS[size], desks: DESKS, options: { viewport, colorScheme } }))),
  { name: 'desk-forced-colours', columns: SHEET_COLUMNS.desk, desks: FEW, options: { viewport: SIZES.desk, forcedColors: 'active' } },
  { name: 'phone-large-text', columns: SHEET_COLUMNS.phone, desks: FEW, options: { viewport: SIZES.phone }, text: '200%' },
  { name: 'paper', columns: 2, desks: { Alex: ['/finance/print'] }, options: { viewport: PAPER, colorScheme: 'dark' }, media: 'print' },
];

/** What a person does beyond opening pages. Nothing is confirmed: the next look finds the same. */
const WALKS = { Robin: walkCare, Kim: askRefund, Jo: askDecision };

export async function takeConsole(browser, folder) {
  const charge = await prepare(browser);
  for (const look of LOOKS) {
    const name = `console-${look.name}`;
    const files = [];
    for (const [who, paths] of Object.entries(look.desks)) {
      const context = await browser.newContext({ ...look.options, reducedMotion: 'reduce' });
      if (look.text) {
        await context.addInitScript(size => {
          addEventListener('DOMContentLoaded', () => { document.documentElement.style.fontSize = size; });
        }, look.text);
      }
      const page = await context.newPage();
      const desk = await new Console(page).signIn(who);
      const picture = async screen => {
        const file = path.join(folder, 'pages', name, `${slug(files.length, `${who} ${screen}`)}.png`);
        // On paper there is nothing to press.
        if (look.media) await page.emulateMedia({ media: look.media });
        await page.screenshot({ path: file, fullPage: true });
        if (look.media) await page.emulateMedia({ media: null });
        files.push({ screen: `${who} ${screen}`, file });
      };
      for (const at of paths) {
        await desk.open(at);
        await picture(at.replaceAll(/[/?=]/g, ' ').trim());
      }
      await WALKS[who]?.(desk, charge, picture);
      await context.close();
    }
    const context = await browser.newContext();
    await writeSheet(context, folder, files, look.columns, name);
    await context.close();
    console.log(`  ${name}: ${files.length} screens`);
  }
}

/** The customer on the line, with what an agent opens. */
async function walkCare(desk, _, picture) {
  const { page } = desk;
  await desk.lookUp(ivo);
  await picture('customer');
  for (const summary of await page.locator('summary').all()) await summary.click();
  await picture('customer, all open');
  await page.locator('article').getByLabel('Why').first().selectOption({ label: 'The customer wants it' });
  await page.locator('article').getByLabel('Reference').first().fill('T-1');
  await page.getByRole('button', { name: /^Close Netflix/ }).first().click();
  await page.getByRole('heading', { name: 'Close this link?' }).waitFor();
  await picture('close');
  await desk.open('/care');
  await page.getByLabel('Telephone number').fill('+12025550199');
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.getByText('No present subscriber').waitFor();
  await picture('nobody');
  await page.getByLabel('Telephone number').fill('12');
  await page.getByRole('button', { name: 'Look up' }).click();
  await page.getByText('This is not a telephone number.').waitFor();
  await picture('no number');
}

/** The question before a refund. */
async function askRefund(desk, { transactionID }, picture) {
  await desk.lookUp(ivo);
  await desk.askRefund(transactionID, '1.00', 'T-3');
  await picture('refund');
}

/** The question before a decision. */
async function askDecision(desk, _, picture) {
  const { page } = desk;
  await desk.open('/disputes');
  await page.getByRole('button', { name: 'Accept…' }).first().click();
  await page.getByRole('heading', { name: 'Accept this dispute?' }).waitFor();
  await picture('decision');
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
