// Who plays which part. A subscriber can sign up once, and a number gets ten codes a day, so each has its stories.
// What the accounts are is in tests/sandbox/accounts/.

import { acme, nova } from './harness/system.mjs';

const of = operator => digits => {
  const msisdn = operator.numbers.find(number => number.endsWith(digits));
  if (!msisdn) throw new Error(`${operator.name} has no demo account ending in ${digits}`);
  return msisdn;
};
const [a, n] = [of(acme), of(nova)];

/** Acme's. */
export const ana = a('101');         // becomes a new member, with a code
export const ben = a('102');         // moves from the card, without a code
export const kim = a('103');         // has no mouse; prepaid
export const poor = a('104');        // prepaid, without balance
export const suspended = a('105');
export const ceased = a('106');
export const carl = a('107');        // mistypes codes and gives up often, until he pays beside Eva
export const dora = a('108');        // meets outages; prepaid

/** Nova's. */
export const eva = n('601');         // becomes a member beside Carl
export const fran = n('602');        // on the page without the loader
export const gil = n('603');         // while Nova's systems fail; comes back too early; prepaid
export const novaSuspended = n('605');

/** Well-formed, and nobody's. */
export const nobody = '+12025550199';
export const alsoNobody = '+12025550198';
export const novaNobody = '+34612345699';
