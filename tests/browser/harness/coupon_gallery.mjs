// Every page that a coupon is on, on its way from the dashboard to the bill, with the shortest way to it. All of it is the real
// system.

import { acme, netflix } from './system.mjs';
import { phone } from '../pages/dashboard.mjs';
import { Desk, Plans } from '../pages/plans.mjs';
import { Member, Redeem, mistyped } from '../pages/redeem.mjs';
import { suspended } from '../people.mjs';

/**
 * Shows each page, one after the other, and calls `look(name)` at each. `buyer` has bought no coupon yet, `email` is new to
 * the partner.
 */
export async function walkCoupons(page, { buyer, email }, look) {
  const [plans, desk, redeem, member] = [new Plans(page, acme), new Desk(page, acme), new Redeem(page), new Member(page)];
  const open = async (url, name) => { await page.goto(url); await look(name); };
  const enter = async (code, name, options) => {
    await redeem.open();
    await redeem.enter(code, options);
    await look(name);
  };

  await plans.open();
  await look('plans, nobody');
  await plans.logIn(suspended);
  await plans.shows(await plans.buy('6M'), 'refused');
  await look('plans, refused');
  await plans.logIn(buyer);
  await look('plans');
  const hers = await phone(acme, buyer);
  const first = await plans.buy('12M');
  const voided = await hers.coupon();
  await acme.withoutOrigin(async () => {
    await plans.shows(await plans.buy('6M'), 'unconfirmed');
    await look('plans, unconfirmed');
  });
  await desk.open();
  await look('desk');
  await desk.press(first, 'Void it');
  const id = await plans.open().then(() => plans.buy('6M'));
  const code = await hers.coupon();
  await plans.isOnItsWay(id);
  await look('plans, bought');
  await open(acme.page('sms', buyer), 'message');

  await open(`${netflix.url}/`, 'partner');
  await redeem.open();
  await look('redeem');
  await enter('', 'redeem, empty', { email });
  await enter(mistyped(code), 'redeem, mistyped', { email });
  await enter(voided, 'redeem, void', { email });
  await acme.withoutOrigin(() => enter(code, 'redeem, no answer', { email }));
  await enter(code, 'member', { email });
  await enter(code, 'redeem, used');
  for (const [name, on] of [['member, near', -10], ['member, ended', 3]]) {
    const until = Date.parse(await member.open().then(() => member.paidUntil()));
    await member.open(new Date(until + on * 86_400_000).toISOString().slice(0, 10));
    await look(name);
  }
  await member.open();
  await member.logOut();
  await look('log in');
  await open(`${netflix.url}/accounts`, 'accounts');
  await open(`${netflix.url}/charges`, 'charges');
  await plans.open();
  await look('plans, used');
  await open(acme.page('bill', buyer), 'bill');
}
