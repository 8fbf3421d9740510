// Netflix paid ahead: a plan bought on the dashboard, the code in a text message, entered at the partner, and its price on the
// bill, once. For the buyer or as a gift; sent again, taken back, mistyped, used twice; and what comes when its days end.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { walkCoupons } from '../harness/coupon_gallery.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { tabTo } from '../harness/keyboard.mjs';
import { acme, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { Desk, Plans } from '../pages/plans.mjs';
import { Member, Redeem, mistyped } from '../pages/redeem.mjs';
import { olga, pete, rosa, suspended } from '../people.mjs';

const EMAIL = 'olga@example.com';
const REFUSED = '409 /redeem';

about('coupons');

/** A customer who has bought a plan: the page, the name of the coupon, the phone, and the code on it. */
async function bought(stage, msisdn, plan, { clicks, ...options } = {}) {
  const { page, announce } = await stage.customer(options);
  const plans = await new Plans(page, acme).logIn(msisdn);
  const hers = await phone(acme, msisdn);
  const id = await plans.buy(plan, { clicks });
  await plans.isOnItsWay(id);
  return { page, announce, plans, id, hers, code: await hers.coupon() };
}

/** The lines on a bill that are of coupons. */
async function couponsOn(msisdn) {
  const { lines } = await acme.bill(msisdn);
  return lines.filter(({ description }) => / months$/.test(description));
}

/** Nothing reached the partner that must not, and nothing that it was told contradicts its books. */
async function partnerIsContent() {
  assert.deepEqual((await netflix.accounts()).leaks, []);
  assert.deepEqual((await netflix.charges()).contradictions, []);
}

const today = () => new Date().toISOString().slice(0, 10);

/** So many days later, or earlier. */
const later = (day, days) => new Date(Date.parse(day) + days * 86_400_000).toISOString().slice(0, 10);

/** The same day so many months later, less a day. */
function lastDay(from, months) {
  const day = new Date(`${from}T00:00:00Z`);
  const number = day.getUTCDate();
  day.setUTCDate(1);
  day.setUTCMonth(day.getUTCMonth() + months);
  const length = new Date(Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 0)).getUTCDate();
  day.setUTCDate(Math.min(number, length) - 1);
  return day.toISOString().slice(0, 10);
}

test('a plan is bought once, and its code redeemed once, however often the buttons are pressed', async stage => {
  const { page, plans, id, code } = await bought(stage, olga, '6M', { clicks: 2 });
  assert.equal((await acme.texts(olga)).length, 1);
  assert.deepEqual(await couponsOn(olga), [], 'nothing is paid before the code is entered');
  await plans.card(id).getByRole('link', { name: 'Enter it at Netflix' }).click();

  const redeem = new Redeem(page);
  await redeem.enter(code, { email: EMAIL, clicks: 2 });
  const member = new Member(page);
  await member.shows();
  const [line, ...more] = await until('the price is on the bill', async () => {
    const lines = await couponsOn(olga);
    return lines.length > 0 && lines;
  });
  assert.equal(more.length, 0);
  assert.deepEqual([line.description, line.amount], ['Netflix Standard, 6 months', { value: 8994, currency: 'USD' }]);
  const { from, to } = line.servicePeriod;
  assert.equal(to, lastDay(from, 6));
  assert.equal(await member.paidUntil(), to);
  assert.match(await member.text(), /Then it ends by itself/);

  await page.goto(acme.page('bill', olga));
  await page.locator(`#bill-lines tr[data-from="${from}"][data-to="${to}"]`).getByText('Netflix Standard, 6 months').waitFor();
  await plans.open();
  await plans.shows(id, 'redeemed');
  await partnerIsContent();
});

test('a slip is told apart from a wrong code, and the code in any case and spacing is right', async stage => {
  const { page, announce, code } = await bought(stage, pete, '6M', { viewport: PHONE });
  announce(REFUSED);
  const redeem = await new Redeem(page).open();
  const slip = mistyped(code);
  await redeem.enter(slip, { email: 'pete@example.com' });
  await redeem.complains(/The code is mistyped/);
  assert.equal(await redeem.code.inputValue(), slip, 'what was typed can be compared');

  // As somebody types who looks at the message and not at the screen.
  await redeem.code.fill('');
  await redeem.code.pressSequentially(code.toLowerCase().replaceAll('-', ' '));
  assert.equal(await redeem.code.inputValue(), code, 'grouped while it is typed');
  await page.locator('#password').fill('demo');
  await page.keyboard.press('Enter');
  await new Member(page).shows();
  assert.equal((await couponsOn(pete)).length, 1);
  await partnerIsContent();
});

test('a code that was used is refused, whoever enters it', async stage => {
  const { page, announce } = await stage.customer();
  announce(REFUSED);
  const [{ text }] = (await acme.texts(olga)).slice(-1);
  const member = await new Member(page).logIn('lee@example.com');
  const redeem = await new Redeem(page).open();
  await redeem.enter(text.match(/(?:\w{4}-){4}\w{4}/)[0]);
  await redeem.complains(/used already, and works only once/);
  assert.equal((await couponsOn(olga)).length, 1);
  await member.open();
  assert.match(await member.text(), /Active, month by month/);
  await partnerIsContent();
});

test('a code that is sent again ends the one before it', async stage => {
  const { page, plans, id, hers, code, announce } = await bought(stage, rosa, '6M', { colorScheme: 'dark' });
  announce(REFUSED);
  await plans.press(id, 'Send it again', { clicks: 2 });
  const newer = await hers.coupon();
  assert.notEqual(newer, code);
  await plans.isOnItsWay(id);
  assert.equal((await acme.texts(rosa)).length, 2, 'a double click sends one message');

  const redeem = await new Redeem(page).open();
  await redeem.enter(code, { email: 'rosa@example.com' });
  await redeem.complains(/use the code from the newest/);
  await page.locator('#password').fill('demo');
  await redeem.enter(newer);
  await new Member(page).shows();
  assert.equal((await couponsOn(rosa)).length, 1);
  await partnerIsContent();
});

test('a code that the operator takes back is refused, and costs nothing', async stage => {
  const { page, plans, id, code, announce } = await bought(stage, rosa, '12M');
  announce(REFUSED);
  const desk = await new Desk(page, acme).open();
  await desk.press(id, 'Void it');
  await desk.shows(id, 'voided');
  assert.equal(await desk.card(id).getByRole('button').count(), 0);
  const redeem = await new Redeem(page).open();
  await redeem.enter(code, { email: 'sam@example.com' });
  await redeem.complains(/This code is not valid/);
  await plans.open();
  await plans.shows(id, 'voided');
  assert.equal((await couponsOn(rosa)).length, 1, 'the one before');
});

test('a suspended line buys nothing, and is told what to do', async stage => {
  const { page } = await stage.customer({ viewport: PHONE, colorScheme: 'dark' });
  const plans = await new Plans(page, acme).logIn(suspended);
  const before = (await acme.texts(suspended)).length;
  const id = await plans.buy('6M');
  await plans.shows(id, 'refused');
  await plans.says(id, /Pay it, then buy again/);
  assert.equal((await acme.texts(suspended)).length, before);
});

test('when the days end, the account goes on with the bill, and pays for none of them twice', async stage => {
  const { page } = await stage.customer();
  const member = await new Member(page).logIn(EMAIL);
  const last = await member.paidUntil();
  const days = n => later(last, n);
  const offer = page.locator('#go-on');
  await member.open(days(-15));
  assert.equal(await offer.count(), 0);
  await member.open(days(-14));
  await offer.getByRole('link', { name: /At Acme Mobile/ }).click();

  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.logIn(olga);
  await widget.$('number-submit').click();
  const first = new Intl.DateTimeFormat('en', { dateStyle: 'long', timeZone: 'UTC' }).format(new Date(days(1)));
  await widget.agreesTo({ line: olga, price: '$15.99', date: days(1), on: first });
  await widget.$('confirm-submit').click();
  const signUp = await new SignUp(page).opens();
  await signUp.moveAccount(EMAIL);
  await signUp.goBack();
  await dashboard.isBack('success');

  const of = async month => {
    const { pays } = await netflix.account(EMAIL);
    const { charges } = await netflix.billingRun(month);
    return charges.find(({ extTransactionID }) => extTransactionID.startsWith(pays.extSubscriptionID));
  };
  assert.equal(await of(days(-32).slice(0, 7)), undefined, 'a month that is paid');
  const charge = await of(days(1).slice(0, 7));
  assert.equal(charge.status, 'APPROVED');
  const { lines } = await acme.bill(olga);
  const monthly = lines.filter(({ description }) => description === 'Netflix Standard');
  assert.deepEqual(monthly.map(({ servicePeriod }) => servicePeriod.from), [days(1)], 'from the first day that is not paid');
  await member.open(days(-3));
  assert.match(await member.text(), /From the day after, your Acme Mobile bill pays/);
  await partnerIsContent();
});

test('a gift is on the giver’s bill, and its months are for whoever redeems it', async stage => {
  const { code } = await bought(stage, pete, '12M');
  const before = (await couponsOn(pete)).length;
  const { page } = await stage.customer();
  const member = await new Member(page).logIn('sam@example.com');
  const redeem = await new Redeem(page).open();
  await redeem.enter(code);
  await member.shows();
  assert.match(await member.text(), /your card •••• 0005 is charged again/);
  assert.equal(await member.paidUntil(), lastDay(today(), 12));
  const lines = await until('it is on the bill', async () => {
    const lines = await couponsOn(pete);
    return lines.length > before && lines;
  });
  assert.equal(lines.length, before + 1);
  assert.equal(lines.at(-1).amount.value, 16999);
  await partnerIsContent();
});

test('no answer is no loss: the same button asks for the same coupon', async stage => {
  const { page, announce } = await stage.customer();
  const plans = await new Plans(page, acme).logIn(rosa);
  const hers = await phone(acme, rosa);
  let id;
  await acme.withoutOrigin(async () => {
    id = await plans.buy('6M');
    await plans.shows(id, 'unconfirmed');
  });
  await plans.press(id, 'Try again');
  await plans.isOnItsWay(id);
  const code = await hers.coupon();

  announce('503 /redeem');
  const redeem = await new Redeem(page).open();
  await acme.withoutOrigin(async () => {
    await redeem.enter(code, { email: 'tom@example.com' });
    await page.locator('#problem:focus').waitFor();
    assert.match(await page.locator('#problem').innerText(), /Nothing is lost/);
  });
  await page.locator('#password').fill('demo');
  await redeem.enter(code);
  await new Member(page).shows();
  assert.equal((await couponsOn(rosa)).length, 2);
  await partnerIsContent();
});

test('the whole way by keyboard, on a phone', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const plans = await new Plans(page, acme).logIn(pete);
  const his = await phone(acme, pete);
  await fits(page, 'plans');
  await tabTo(page, page.locator('#plans [data-plan="6M"] summary'));
  await page.keyboard.press('Enter');
  await fits(page, 'plans, asking once more');
  await tabTo(page, page.locator('#plans [data-plan="6M"] button'));
  await page.keyboard.press('Enter');
  await page.waitForURL('**/plans#coupon-*');
  const code = await his.coupon();
  await tabTo(page, page.getByRole('link', { name: 'Enter it at Netflix' }).first());
  await page.keyboard.press('Enter');
  await new Redeem(page).code.waitFor();
  await fits(page, 'redeem');
  await tabTo(page, page.locator('#code'));
  await page.keyboard.insertText(code);
  await page.keyboard.press('Tab');
  await page.keyboard.type('pete@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type('demo');
  await page.keyboard.press('Enter');
  const member = new Member(page);
  await member.shows();
  await fits(page, 'account');
  assert.match(await member.text(), /Comes next/, 'its days follow those of the first one');
  await plans.open();
  await partnerIsContent();
});

for (const [what, options, buyer] of [
  ['light', {}, rosa],
  ['dark and small', { colorScheme: 'dark', viewport: PHONE }, pete],
]) {
  test(`axe finds nothing serious on any page that a coupon is on, ${what}`, async stage => {
    const { page, announce } = await stage.customer(options);
    announce('400 /redeem', '409 /redeem', '503 /redeem');
    await walkCoupons(page, { buyer, email: `${what.replaceAll(' ', '-')}@example.com` }, async name => {
      await accessible(page, name, { frames: [page.mainFrame()] });
      await fits(page, name);
    });
  }, { seconds: 900 });
}
