// The console, as the operator's people use it: a customer on the line, a refund that takes two, and the desks of the
// others. After the stories of the customers, and before the one that looks for numbers in addresses.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { tablesAreWhole } from '../harness/tables.mjs';
import { tabTo } from '../harness/keyboard.mjs';
import { acme, database, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Console } from '../pages/console.mjs';

about('the console');

/** A month that no other story bills. */
const MONTH = '2027-09';

/** A customer of Acme's who was charged for that month, and the charge. */
async function charged() {
  const { charges } = await until('every charge is settled', async () => {
    const run = await netflix.billingRun(MONTH);
    return run.totals.approved > 0 && run;
  });
  const ids = new Set(charges.map(({ transactionID }) => transactionID));
  for (const number of acme.numbers) {
    const { lines } = await acme.bill(number);
    const line = lines.find(({ transactionID, refundID }) => ids.has(transactionID) && !refundID);
    if (line) return { number, transactionID: line.transactionID };
  }
  return assert.fail('none of Acme’s customers was charged');
}

/** The person's pages, on a screen of this kind: nothing is cut off, and everybody can use them. */
async function look(page, what) {
  await fits(page, what);
  await tablesAreWhole(page, what);
  await accessible(page, what);
}

test('an agent finds a customer on any screen, and signs out', async stage => {
  const { number } = await charged();
  for (const options of [{}, { colorScheme: 'dark' }, { viewport: PHONE }, { viewport: PHONE, colorScheme: 'dark' }]) {
    const { page } = await stage.customer(options);
    const desk = await new Console(page).signIn('Robin');
    const what = JSON.stringify(options);
    await look(page, `the search ${what}`);
    await desk.lookUp(number);
    await page.getByText('Charged').first().waitFor();
    await look(page, `a customer ${what}`);
    assert.ok(!page.url().includes(number.slice(1)), 'the number is in no address');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'Signed out' }).waitFor();
    await look(page, `signed out ${what}`);
  }
});

test('the text can be twice as large', async stage => {
  for (const [name, path] of [['Noa', '/billing'], ['Mika', '/product'], ['Dana', '/auditor']]) {
    const { page } = await stage.customer({ viewport: PHONE });
    const desk = await new Console(page).signIn(name);
    await desk.open(path);
    await look(page, `${path} on a phone`);
    await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
    await look(page, `${path} with large text`);
  }
});

test('a number is looked up without a mouse', async stage => {
  const { number } = await charged();
  const { page } = await stage.customer();
  await new Console(page).signIn('Robin');
  await page.locator('body').press('Tab');
  await tabTo(page, page.getByRole('link', { name: 'Care' }));
  await page.keyboard.press('Enter');
  await tabTo(page, page.getByLabel('Telephone number'));
  await page.keyboard.type(number);
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'What happened' }).waitFor();
  await tabTo(page, page.locator('summary').first());
  await page.keyboard.press('Enter');
  await page.locator('details[open]').first().waitFor();
});

test('a large refund takes two people, and the customer finds it on the bill', async stage => {
  const { number, transactionID } = await charged();
  const credits = async () => (await acme.bill(number)).lines.filter(line => line.transactionID === transactionID && line.refundID);
  const [first, second] = [await stage.customer(), await stage.customer({ viewport: PHONE })];
  const kim = await new Console(first.page).signIn('Kim');
  await kim.lookUp(number);
  await kim.refund(transactionID, '15.99', 'T-9001');
  await first.page.getByRole('heading', { name: 'A second person is needed' }).waitFor();
  await look(first.page, 'a refund that waits');
  assert.equal((await credits()).length, 0);
  await kim.open('/approvals');
  assert.equal(await first.page.getByRole('button', { name: 'Agree, and refund' }).count(), 0, 'not one’s own');

  const sasha = await new Console(second.page).signIn('Sasha');
  await sasha.open('/approvals');
  await look(second.page, 'refunds to agree to');
  await second.page.getByRole('button', { name: 'Agree, and refund' }).click();
  await second.page.getByText('Billing has refunded the money.').waitFor();
  const [credit, ...more] = await credits();
  assert.deepEqual([credit.amount.value, more.length], [-1599, 0]);
  await kim.lookUp(number);
  await kim.page.getByText('Refunded: 15.99 USD').first().waitFor();
});

test('a customer contests a charge, and the desk that decides accepts it', async stage => {
  const { number, transactionID } = await charged();
  const before = (await acme.bill(number)).lines.length;
  const [first, second] = [await stage.customer({ viewport: PHONE }), await stage.customer({ colorScheme: 'dark' })];
  const robin = await new Console(first.page).signIn('Robin');
  await robin.lookUp(number);
  await robin.dispute(transactionID, 'Fraud: another person used the line', 'D-9001');
  await look(first.page, 'a dispute that was opened');
  await first.page.getByText('No money was moved.').waitFor();
  await first.page.getByRole('button', { name: 'Back to the customer' }).click();
  await first.page.getByRole('button', { name: 'The customer withdraws it…' }).waitFor();
  assert.equal(await first.page.getByRole('button', { name: 'Accept…' }).count(), 0, 'care decides none');
  assert.ok(!first.page.url().includes(number.slice(1)), 'the number is in no address');
  await look(first.page, 'a customer with a dispute');

  const jo = await new Console(second.page).signIn('Jo');
  await jo.open('/disputes');
  await look(second.page, 'the disputes');
  await second.page.locator('body').press('Tab');
  const card = second.page.locator('article', { hasText: 'D-9001' });
  await tabTo(second.page, card.getByRole('button', { name: 'Accept…' }));
  await second.page.keyboard.press('Enter');
  await second.page.getByRole('heading', { name: 'Accept this dispute?' }).waitFor();
  await look(second.page, 'a decision that is asked about');
  await second.page.getByRole('button', { name: 'Accept the dispute' }).dblclick();
  await second.page.getByText('the customer is right. No money was moved.').waitFor();
  assert.equal((await acme.bill(number)).lines.length, before, 'nothing is on the bill for it');
  await robin.lookUp(number);
  await first.page.getByText('Accepted: the customer is right').waitFor();
});

// PostgreSQL has no client here, and a dead letter takes days: the tests of the store have it on both databases.
if (database === 'sqlite') {
  test('billing reads what was said of a dead letter, and retries it', async stage => {
    const { page } = await stage.customer({ viewport: PHONE });
    await acme.withFaults({ down: true }, async () => {
      await netflix.billingRun('2027-10');
      await acme.exhaust();
      const desk = await new Console(page).signIn('Noa');
      await until('a dead letter is there', async () => {
        await desk.open('/billing');
        return await page.getByText('HTTP 503').count() > 0;
      });
      await look(page, 'a dead letter on a phone');
    });
    for (;;) {
      const retry = page.getByRole('button', { name: 'Retry' }).first();
      if (!await retry.count()) break;
      await page.getByLabel('Reason or ticket').first().fill('mended');
      await retry.click();
      await page.getByRole('heading', { name: 'Retried' }).waitFor();
      await page.getByRole('link', { name: 'Back to Billing' }).click();
      await page.getByRole('heading', { name: 'Dead letters' }).waitFor();
    }
    await page.getByText('Every job is done').waitFor();
  });
}

test('a desk shows what its people may do, and refuses the rest', async stage => {
  const { page, announce } = await stage.customer();
  const robin = await new Console(page).signIn('Robin');
  announce('403 /billing');
  await robin.open('/billing');
  await page.getByRole('heading', { name: 'You may not do this' }).waitFor();
  await look(page, 'a refusal');
  const stranger = await stage.customer();
  stranger.announce('403 /sign-in/callback');
  await stranger.page.goto(`${acme.console}/care`);
  await stranger.page.getByRole('link', { name: 'Lou' }).click();
  await stranger.page.getByRole('heading', { name: 'You are not signed in' }).waitFor();
  await look(stranger.page, 'a person without a role');
});
