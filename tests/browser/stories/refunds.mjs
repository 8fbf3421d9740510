// The partner gives money back: the customer finds the credit on the bill, and an outcome that comes later shows up at the
// partner. After the stories about bills, which count their lines.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { acme, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Charge } from '../pages/netflix.mjs';
import { ana } from '../people.mjs';

const EMAIL = 'ana@example.com';

about('money back');

/** The charge for a month of hers, as the partner names it. */
async function charged(month) {
  const { pays } = await netflix.account(EMAIL);
  return `${pays.extSubscriptionID}-${month}`;
}

/** The credits on her bill for that charge. */
async function credits(month) {
  const id = await charged(month);
  const { charges } = await netflix.charges();
  const { reported } = charges.find(each => each.extTransactionID === id);
  const { lines } = await acme.bill(ana);
  return lines.filter(({ transactionID, refundID }) => transactionID === reported.transactionID && refundID);
}

test('half a month comes back once, however often the button is pressed', async stage => {
  const { page } = await stage.customer();
  const charge = await new Charge(page, await charged('2026-12')).open();
  const before = (await acme.bill(ana)).total.value;
  const refund = await charge.giveBack('8.00', 'Half a month', { clicks: 2 });
  await refund.getByText('Approved').waitFor();
  assert.equal(await charge.left(), '$7.99');
  await accessible(page, 'charges with a refund');

  const [credit, ...more] = await credits('2026-12');
  assert.deepEqual([credit.amount.value, more.length], [-800, 0]);
  await page.goto(acme.page('bill', ana));
  const line = page.locator('#bill-lines tr[data-refund]');
  assert.equal(await line.locator('.amount').textContent(), '\u2212$8.00');
  await line.getByText('Refund: Netflix Standard').waitFor();
  await line.getByText('Of $15.99 booked').waitFor();
  assert.equal((await acme.bill(ana)).total.value, before - 800);
  await accessible(page, 'a bill with a credit');
});

test('more than is left is refused in words, and what is left comes back without an amount', async stage => {
  const { page } = await stage.customer({ viewport: PHONE, colorScheme: 'dark' });
  const charge = await new Charge(page, await charged('2026-12')).open();
  const refused = await charge.giveBack('8.00', 'Once more');
  await refused.getByText('invalid-request').waitFor();
  await refused.getByText('Refused', { exact: true }).waitFor();
  assert.equal(await refused.getByRole('button').count(), 0, 'it would be refused again');
  await accessible(page, 'charges with a refusal, on a phone');
  const rest = await charge.giveBack('', 'Ended early');
  await rest.getByText('$7.99 back').waitFor();
  assert.equal(await charge.left(), '$0.00');
  assert.equal(await charge.card.getByText('Give money back').count(), 0);
  assert.equal((await credits('2026-12')).length, 2);

  await charge.open();
  for (const url of [`${netflix.url}/charges`, acme.page('bill', ana)]) {
    await page.goto(url);
    await fits(page, url);
  }
  await accessible(page, 'a bill with credits, on a phone');
});

test('what cannot be meant is said beside the form', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /refunds');
  const charge = await new Charge(page, await charged('2027-01')).open();
  await charge.card.getByText('Give money back').click();
  await charge.card.getByLabel('How much').fill('eight');
  await charge.card.getByLabel('Why').fill('Half a month');
  await charge.card.getByRole('button', { name: 'Give back' }).click();
  await charge.card.getByRole('alert').waitFor();
  assert.equal(await charge.card.getByLabel('How much').inputValue(), 'eight');
  await accessible(page, 'charges with a mistake');
  assert.equal((await credits('2027-01')).length, 0);
});

test('an outcome that comes later is told to the partner', async stage => {
  const { page } = await stage.customer();
  const charge = await new Charge(page, await charged('2027-01')).open();
  let refund;
  await acme.withFaults({ refund: 'error-after' }, async () => {
    refund = await charge.giveBack('5', 'Outage');
    await refund.getByText('Pending').waitFor();
    await refund.getByText('its response').waitFor();
  });
  assert.equal((await credits('2027-01')).length, 1, 'billing has done it, and failed to say so');
  await acme.hurry();
  await until('the partner is told', async () => {
    await page.reload();
    return await refund.getByText('Approved').count() === 1;
  });
  await refund.getByText('a webhook').waitFor();
  const [credit, ...more] = await credits('2027-01');
  assert.deepEqual([credit.amount.value, more.length], [-500, 0]);
  assert.deepEqual((await netflix.charges()).contradictions, []);
});
