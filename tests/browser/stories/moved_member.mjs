// A customer who is logged in at the operator: the dashboard vouches for the number, so that no code is needed. The
// Netflix account exists and is paid by card until now.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme, netflix } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { ben } from '../people.mjs';

const EMAIL = 'dana@example.com';

about('a member who moves from the card, without a code');

test('moves the account to the bill', async stage => {
  assert.equal((await netflix.account(EMAIL)).pays.how, 'card');
  const { page } = await stage.customer();
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.logIn(ben);
  assert.equal(await widget.$('msisdn').inputValue(), '', 'nothing has to be typed');
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  await widget.$('confirm-submit').click();
  const signUp = await new SignUp(page).opens();
  await signUp.moveAccount(EMAIL);
  await signUp.goBack();
  await dashboard.isBack('success');
  assert.deepEqual(await acme.texts(ben), [], 'nobody sent a code');
  assert.equal((await netflix.account(EMAIL)).pays.how, 'bill');
});

test('is billed once by two runs of a month at the same time', async () => {
  const { pays } = await netflix.account(EMAIL);
  const runs = await Promise.all([netflix.billingRun('2026-12'), netflix.billingRun('2026-12')]);
  const charges = runs.map(run => run.charges.find(each => each.extTransactionID.includes(pays.extSubscriptionID)));
  assert.equal(charges[0].transactionID, charges[1].transactionID);
  assert.deepEqual(charges.map(each => each.httpStatus).sort(), [200, 201]);
  const line = await acme.line(ben);
  assert.equal(line.transactionID, charges[0].transactionID);
  assert.deepEqual(line.servicePeriod, { from: '2026-12-01', to: '2026-12-31' });
});

test('sees the charge on the dashboard', async stage => {
  const { page } = await stage.customer();
  await new Dashboard(page, acme).logIn(ben);
  assert.equal(await page.locator('#next-bill').textContent(), '$60.99');
});
