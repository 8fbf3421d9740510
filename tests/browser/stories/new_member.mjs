// A customer who is not logged in anywhere proves a number with a code, makes a Netflix account on the phone bill, and
// finds the month on that bill.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { acme, netflix, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { Widget } from '../pages/widget.mjs';
import { summary, words } from '../pages/words.mjs';
import { ana, fran } from '../people.mjs';

const EMAIL = 'ana@example.com';
const MONTH = '2026-12';

about('a new member, with a code');

test('signs up at Netflix and comes back with a genuine result', async stage => {
  const { page } = await stage.customer();
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.open();
  const hers = await phone(acme, ana);
  await widget.enter('(202) 555-0101');
  await widget.shows('pin');
  await widget.inside.locator('#code:focus').waitFor();
  assert.equal(await widget.$('pin-to').textContent(), words('pin-to', { operator: acme, line: '+1 (202) 555-0101' }));
  const text = await hers.text();
  assert.match(text, /^\d{6} is your Acme Mobile code/);
  await widget.enterCode(text.slice(0, 6));
  await widget.shows('confirm');
  await widget.headingHasFocus();
  await widget.agreesTo({ line: '(202) 555-0101', price: '$15.99' });
  await widget.$('confirm-submit').click();

  const signUp = await new SignUp(page).opens();
  await accessible(page, 'sign-up');
  await signUp.createAccount(EMAIL);
  await page.locator('#all-set').waitFor();
  await accessible(page, 'all set');
  await signUp.goBack();
  await dashboard.isBack('success');
  assert.deepEqual(await widget.summary(), summary({ operator: acme, price: '$15.99' }));
  await accessible(page, 'back at the operator');

  const { pays } = await netflix.account(EMAIL);
  assert.deepEqual([pays.how, pays.operator], ['bill', 'acme']);
});

test('finds one line on the bill, however often the month is run', async stage => {
  const { page } = await stage.customer();
  await page.goto(`${netflix.url}/billing-runs`);
  await accessible(page, 'billing runs');
  const { pays } = await netflix.account(EMAIL);
  const charge = page.locator(`#run-charges li[data-ext-transaction*="${pays.extSubscriptionID}"]`);
  for (const answer of ['201 new', '200 as before']) {
    await page.goto(`${netflix.url}/billing-runs`);
    await page.locator('#month').fill(MONTH);
    await page.locator('#run-submit').click();
    await charge.getByText(answer).waitFor();
    await acme.line(ana);
  }
  assert.match(await page.locator('#run-totals .summary').textContent(), /^0 new, /);
  await until('billing’s word has arrived', async () => {
    const { charges } = await netflix.billingRun(MONTH);
    return charges.find(each => each.extTransactionID.includes(pays.extSubscriptionID)).status === 'APPROVED';
  });
  await accessible(page, 'a billing run');

  const { description, amount, servicePeriod } = await acme.line(ana);
  assert.match(description, /Netflix/);
  assert.deepEqual(amount, { value: 1599, currency: 'USD' });
  assert.deepEqual(servicePeriod, { from: '2026-12-01', to: '2026-12-31' });
  await page.goto(acme.page('bill', ana));
  assert.equal(await page.locator('#bill-lines tbody tr').count(), 1);
  assert.equal(await page.locator('#services-total').textContent(), '$15.99');
  assert.equal(await page.locator('#bill-lines .booking').textContent(), 'netflix · OTT-NFLX-STD · with $1.22 tax (8.25 %)');
  await accessible(page, 'the bill');
});

test('is told that she has it already when she asks again, and is let go', async stage => {
  const { page } = await stage.customer();
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.logIn(ana);
  await widget.$('number-submit').click();
  await widget.says('error', 'already-on-bill', { ways: ['see-charges', 'close', 'change-number'] });
  await widget.go('close');
  await page.locator('#reopen').click();
  await widget.shows('number');
  assert.ok((await dashboard.events()).includes('exit'));
});

test('does the same on a page without the loader, in Spanish', async stage => {
  const { page } = await stage.customer();
  await page.goto(`${nova.dashboard}/bare?locale=es`);
  const widget = new Widget(page, nova, '#frame');
  const hers = await phone(nova, fran);
  await widget.enter('612 345 602');
  await widget.shows('pin');
  const text = await hers.text();
  assert.match(text, /^\d{6} es su código de Nova Móvil/);
  await widget.enterCode(text.slice(0, 6));
  await widget.agreesTo({ line: '612 345 602', price: '13,99\u00a0€', locale: 'es' });
  await widget.$('confirm-submit').click();
  await (await new SignUp(page).opens()).createAccount('fran@example.com');
  await new SignUp(page).goBack();
  await new Dashboard(page, nova).isBack('success');
});
