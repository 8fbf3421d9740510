// Every month that the stories have billed, billed again: the bills stay as they are. Here everyone who has signed up at
// either operator is charged together.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme, netflix, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';

const MONTHS = ['2026-12', '2027-01'];

about('billing everyone again');

const bills = () => Promise.all([acme, nova].flatMap(operator => operator.numbers.map(number => operator.bill(number))));

test('puts nothing on a bill twice', async () => {
  const { accounts } = await netflix.accounts();
  const members = accounts.filter(({ pays }) => pays.how === 'bill').length;
  assert.ok(members >= 6, `${members} have signed up`);
  const charges = [];
  for (const month of MONTHS) {
    const run = await until('every charge is approved', async () => {
      const run = await netflix.billingRun(month);
      assert.equal(run.totals.charges, members);
      return run.totals.approved === members && run;
    });
    charges.push(...run.charges.map(({ transactionID }) => transactionID));
  }
  const before = await bills();
  const lines = before.flatMap(bill => bill.lines.map(({ transactionID }) => transactionID));
  assert.deepEqual(lines.sort(), charges.sort(), 'each charge is on one bill, once');

  for (const month of MONTHS) {
    const run = await netflix.billingRun(month);
    assert.ok(run.charges.every(({ httpStatus }) => httpStatus === 200), 'every charge was known');
  }
  assert.deepEqual(await bills(), before);
});
