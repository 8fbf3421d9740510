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
export const ana = a('101');         // becomes a new member, with a code; is in the README’s picture
export const ben = a('102');         // moves from the card, without a code
export const kim = a('103');         // has no mouse; prepaid
export const poor = a('104');        // prepaid, without balance
export const suspended = a('105');
export const ceased = a('106');
export const carl = a('107');        // mistypes codes and gives up often, until he pays beside Eva
export const dora = a('108');        // meets outages; prepaid
export const hana = a('109');        // has the app on her device, and becomes a new member
export const ivo = a('110');         // has the app too, and moves from the card
export const juno = a('111');        // has the app while the origin is down; prepaid
export const noor = a('112');        // looks at everything in the app; her session is copied, a sandbox holds her; last, she goes from the number to the bill
export const olga = a('113');        // buys a code for herself, and goes on with the bill when its days end
export const pete = a('114');        // mistypes codes; gives one away; buys another without a mouse
export const rosa = a('115');        // has codes sent again and taken back

/** Nova's. */
export const eva = n('601');         // becomes a member beside Carl
export const fran = n('602');        // on the page without the loader
export const gil = n('603');         // while Nova's systems fail; comes back too early; prepaid
export const rita = n('604');        // is refused for every reason that Nova has; prepaid, without balance
export const novaSuspended = n('605');
export const lia = n('607');         // has the app, and proves the number with a code
export const max = n('608');         // has the app and no mouse
export const sol = n('609');         // has too little credit left

/** Well-formed, and nobody's. */
export const nobody = '+12025550199';
export const stillNobody = '+12025550197';
export const novaNobody = '+34612345699';
export const alsoNovaNobody = '+34612345697';
export const novaStrangers = ['+34612345691', '+34612345692', '+34612345693', '+34612345694', '+34612345695'];

/** Acme's form, nobody's, and asked about in one place each. */
export const strangers = Array.from({ length: 40 }, (_, n) => `+12025550${120 + n}`);
let met = 0;

/** One of them that nobody has asked about yet. */
export function stranger() {
  if (met === strangers.length) throw new Error('there are more stories than strangers');
  met += 1;
  return strangers[met - 1];
}
