// The console's pages of numbers: finance, product, on call and the auditor, on every screen. What they count is tested
// beside the origin; a day is counted every five minutes, and no story waits for that.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { tabTo } from '../harness/keyboard.mjs';
import { tablesAreWhole } from '../harness/tables.mjs';
import { Console } from '../pages/console.mjs';

about('the console’s numbers');

/** A4 with the margins that browsers have. */
const PAPER = { width: 718, height: 1015 };
const SCREENS = [{}, { colorScheme: 'dark' }, { forcedColors: 'active' }, { viewport: PHONE }, { viewport: PHONE, colorScheme: 'dark' }];

/** Whose page it is, where it is, and its heading. */
const PAGES = [
  ['Alex', '/finance', /^Finance, /],
  ['Alex', '/finance/print', /^Finance, /],
  ['Mika', '/product', 'Sign-ups'],
  ['Toni', '/on-call', 'On call'],
  ['Toni', '/on-call/runbook/billing-unreachable', 'billing-unreachable'],
  ['Dana', '/auditor', 'Audit'],
];

for (const [name, path, heading] of PAGES) {
  test(`${path} fits every screen, and everybody can read it`, async stage => {
    for (const options of SCREENS) {
      const { page } = await stage.customer(options);
      const desk = await new Console(page).signIn(name);
      await desk.open(path);
      await page.getByRole('heading', { name: heading, level: 1 }).waitFor();
      const what = `${path} ${JSON.stringify(options)}`;
      await fits(page, what);
      await tablesAreWhole(page, what);
      await accessible(page, what);
    }
  });
}

test('a month is printed whole, without what is pressed', async stage => {
  const { page } = await stage.customer({ viewport: PAPER, colorScheme: 'dark' });
  const desk = await new Console(page).signIn('Alex');
  await desk.open('/finance/print');
  await page.emulateMedia({ media: 'print' });
  await fits(page, 'a month on paper');
  assert.ok(await page.getByRole('button', { name: 'Sign out' }).isHidden());
  const ground = await page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.equal(ground, 'rgb(255, 255, 255)', 'paper is light, whatever the screen is');
  const cut = await page.evaluate(() => [...document.querySelectorAll('.card')].filter(card => card.scrollWidth > card.clientWidth).length);
  assert.equal(cut, 0, 'what scrolls on a screen is cut on paper');
});

test('the numbers of a chart are read without a mouse', async stage => {
  const { page } = await stage.customer();
  const desk = await new Console(page).signIn('Mika');
  await desk.open('/product');
  await page.locator('body').press('Tab');
  await tabTo(page, page.locator('summary').first());
  await page.keyboard.press('Enter');
  await page.getByRole('table', { name: 'From the number to the subscription' }).waitFor();
});
