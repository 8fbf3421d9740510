// Why the operator does not let a customer pay: each of its reasons has a sentence of its own, and a way on.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { nova } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { rita, sol } from '../people.mjs';

about('reasons of the operator');

const NOT_ELIGIBLE = ['business-line', 'minor', 'blocked-by-customer', 'blocked-by-operator', 'credit', 'too-new', 'other'];
const SUSPENDED = ['non-payment', 'voluntary', 'lost-or-stolen', 'fraud'];
// These two have the sentence of their code.
const sentence = (reason, code) => reason === 'other' || reason === 'non-payment' ? code : reason;

// [what the operator says, the code, the sentence, the operator's page that helps, the other way on]
const REFUSALS = [
  ...NOT_ELIGIBLE.map(reason =>
    [{ reason }, 'account-not-eligible', sentence(reason, 'account-not-eligible'), 'help', 'change-number']),
  ...SUSPENDED.map(suspension => [{ suspension }, 'suspended-non-payment', sentence(suspension, 'suspended-non-payment'),
    suspension === 'non-payment' ? 'pay-bill' : 'help', 'again']),
  [{ spendable: { value: 1398, currency: 'EUR' } }, 'insufficient-balance', 'insufficient-balance', 'top-up', 'again'],
  // Who gets a bill has nothing to top up.
  [{ spendable: { value: 1398, currency: 'EUR' } }, 'account-not-eligible', 'credit', 'help', 'change-number', sol],
];

for (const [answer, code, text, page, other, who = rita] of REFUSALS) {
  const pays = who === rita ? 'a customer' : 'a postpaid customer';
  test(`${pays} of whom the operator says ${JSON.stringify(answer)} is told so, and goes on`, async stage => {
    const customer = await stage.customer();
    customer.announce('400 /widget/v1/account/validate');
    await nova.saying(who, answer, async () => {
      const widget = await new Dashboard(customer.page, nova).logIn(who);
      await widget.$('number-submit').click();
      await widget.says('error', code, { text, ways: [page, other] });
      await widget.headingHasFocus();
      // The other way leads back to the number, or to the field for another one; with the same, the refusal comes again.
      await widget.go(other);
      await widget.shows('number');
      if (other === 'change-number') await widget.go('my-numbers');
      await widget.$('number-submit').click();
      await widget.says('error', code, { text, ways: [page, other] });
      await widget.go(page);
      await customer.page.waitForURL(`${nova.dashboard}/${page}`);
    });
  });
}

test('once the reason is gone the customer can buy', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, nova).logIn(rita);
  await nova.saying(rita, { spendable: { value: 1399, currency: 'EUR' } }, async () => {
    await widget.$('number-submit').click();
    await widget.shows('confirm');
  });
  assert.match(await widget.$('agreed').textContent(), /€13\.99 per month/);
});
