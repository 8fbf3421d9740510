// What customers read of themselves in the widget once their number is proven, and how they end it. After the stories about
// bills, refunds and everybody: here a balance runs out, and somebody leaves.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { walk } from '../harness/gallery.mjs';
import { acme, edge, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { Charge } from '../pages/netflix.mjs';
import { OwnPage } from '../pages/own_page.mjs';
import { accountWords, words } from '../pages/words.mjs';
import { ana, kim, stranger, suspended } from '../people.mjs';

const PHONE = { width: 360, height: 740 };

about('a customer’s own page');

/** How the charge of one member was answered. */
async function run(month, email) {
  const { pays } = await netflix.account(email);
  const { charges } = await netflix.billingRun(month);
  return charges.find(each => each.extTransactionID === `${pays.extSubscriptionID}-${month}`);
}

/** The simulated operator's bills are dated the first of the next month, and the month stays with the day on one line. */
function nextBill() {
  const now = new Date();
  const date = new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
  return new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeZone: 'UTC' }).format(date).replace(' ', '\u00a0');
}

test('whom the dashboard vouches for sees it at once: what is linked, charged and refunded', async stage => {
  const { page } = await stage.customer();
  await new Dashboard(page, acme).logIn(ana);
  const own = await new OwnPage(page, acme).open();
  await own.shows('account');
  assert.equal(await own.links().count(), 1);
  const linked = await own.links().first().locator('> *').allTextContents();
  assert.deepEqual([linked[0], linked[1], linked.at(-1)], ['Netflix Standard', own.say('link-active'), own.say('unlink')]);

  // One month came back in two parts, of the other a part.
  assert.deepEqual(await own.statuses(), ['APPROVED', 'APPROVED']);
  for (const [period, given] of [['Jan 1 – 31, 2027', '$5.00'], ['Dec 1 – 31, 2026', '$15.99']]) {
    assert.deepEqual(await own.charge(period),
      ['Netflix Standard', '$15.99', 'Charged', `For ${period}`, `On the bill of ${nextBill()}`, `${given} refunded`, own.say('receipt')]);
  }
  assert.ok(await own.$('earlier').isHidden());
  await accessible(page, 'own page');
});

test('a charge has a receipt that can be printed, and the way back is where it came from', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  await new Dashboard(page, acme).logIn(ana);
  const own = await new OwnPage(page, acme).open();
  await own.shows('account');
  const button = own.charges().first().getByRole('button');
  await button.click();
  await own.shows('receipt');
  await own.headingHasFocus();
  const facts = await own.inside.locator('#receipt dd').allTextContents();
  const plain = facts.map(fact => fact.replace(/[\u2066-\u2069]/g, ''));
  assert.deepEqual(plain.slice(0, 4), ['Netflix', 'Netflix Standard', 'Jan 1 – 31, 2027', '$15.99']);
  assert.ok(plain.length === 7 && plain[4].startsWith('$1.22'), 'the partner states the tax');
  assert.match(plain.at(-1), /^[0-9a-f-]{36}$/);
  await accessible(page, 'receipt on a phone');
  await own.inside.locator('#receipt button').last().click();
  await own.shows('account');
  assert.ok(await button.evaluate(element => element === document.activeElement));
});

test('whoever is not logged in proves the number with a code, and reads why a month was declined', async stage => {
  const { page } = await stage.customer({ viewport: PHONE, colorScheme: 'dark' });
  assert.equal((await run('2027-02', 'kim@example.com')).status, 'APPROVED');
  const declined = await run('2027-03', 'kim@example.com');
  assert.deepEqual([declined.status, declined.declineReason], ['DECLINED', 'insufficient-balance']);
  const { pays } = await netflix.account('kim@example.com');
  const charge = await new Charge(page, `${pays.extSubscriptionID}-2027-02`).open();
  await (await charge.giveBack('4', 'Outage')).getByText('Approved').waitFor();

  const hers = await phone(acme, kim);
  const own = await new OwnPage(page, acme).open();
  await own.enter('202 555 0103');
  await own.shows('pin');
  const text = await hers.text();
  assert.match(text, /^\d{6} is your Acme Mobile code to see and end what you pay/);
  await own.enterCode(text.slice(0, 6));
  await own.shows('account');
  await own.headingHasFocus();
  assert.deepEqual((await own.statuses()).sort(), ['APPROVED', 'APPROVED', 'APPROVED', 'DECLINED']);
  assert.deepEqual(await own.charge('Mar 1 – 31, 2027'), [
    'Netflix Standard', '$15.99', 'Not charged', 'For Mar 1 – 31, 2027', 'The balance was too low.',
  ]);
  assert.deepEqual((await own.charge('Feb 1 – 28, 2027')).slice(-2), ['$4.00 refunded', own.say('receipt')]);
  await accessible(page, 'own page on a phone, dark');
  for (const frame of page.frames()) {
    const [needed, there] = await frame.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(needed <= there, `${needed} px wide where there are ${there}`);
  }
});

test('whoever has nothing is told so; nobody else learns anything', async stage => {
  const { page } = await stage.customer();
  await new Dashboard(page, acme).logIn(suspended);
  const own = await new OwnPage(page, acme).open();
  await own.hasNothing();
  await accessible(page, 'own page with nothing on it');
  await own.go('change-number');
  await own.enter(stranger());
  await own.shows('pin');
  assert.equal(await own.charges().count(), 0);
});

test('whoever comes to buy what they have gets to it by a button', async stage => {
  const { page } = await stage.customer();
  const dashboard = new Dashboard(page, acme);
  await (await dashboard.logIn(ana)).$('number-submit').click();
  await dashboard.widget.shows('error', 'already-on-bill');
  await dashboard.widget.go('see-charges');
  const own = new OwnPage(page, acme);
  await own.shows('account');
  await own.headingHasFocus();
  assert.deepEqual(await own.statuses(), ['APPROVED', 'APPROVED', 'APPROVED', 'APPROVED']);
  assert.equal(await own.inside.locator('header > p').textContent(), own.say('own-title'));
  const events = await dashboard.events();
  assert.ok(events.includes('error already-on-bill') && events.at(-1) === 'step account', events.join());
});

test('its words come with it, in the language of the frame that was opened to buy', async stage => {
  const customer = await stage.customer();
  await walk(customer, { locale: 'de', words: 'account from an offer' }, async (name, widget) => {
    const say = (key, values) => words(key, { operator: acme, locale: 'de', ...values });
    assert.equal(await widget.inside.locator('#account h1').textContent(), say('account-title'));
    assert.equal(await widget.$('charges-title').textContent(), say('charges-title'));
    assert.equal(await widget.$('earlier').textContent(), say('earlier'));
    await widget.inside.locator('#links button').first().click();
    assert.equal(await widget.$('unlink-title').textContent(), say('unlink-title', { title: 'Netflix Standard' }));
    assert.equal(await widget.$('unlink-yes').textContent(), say('unlink'));
  });
});

test('what only a coupon pays ends by itself, and nothing that is over is offered for stopping', async stage => {
  const customer = await stage.customer();
  await walk(customer, { words: 'account, asking for more' }, async (name, widget) => {
    const say = (key, values) => words(key, { operator: acme, ...values });
    const links = widget.inside.locator('#links li');
    const coupon = links.filter({ hasText: say('ends-by-itself') });
    assert.equal(await coupon.locator('p').last().textContent(), `${say('paid-until', { date: 'May\u00a027, 2027' })} ${say('ends-by-itself')}`);
    assert.equal(await coupon.getByRole('button').count(), 0);
    for (const [at, buttons] of [1, 1, 0, 0, 0].entries()) assert.equal(await links.nth(at).getByRole('button').count(), buttons, `link ${at}`);
    // Each button says what it ends.
    await links.first().getByRole('button', { name: `${say('unlink')} Netflix Standard`, exact: true }).waitFor();
  });
});

test('whoever would lose days that are paid reads how many before they stop', async stage => {
  const customer = await stage.customer();
  await customer.page.clock.setFixedTime(new Date('2027-05-03T12:00:00Z'));
  await walk(customer, { words: 'unlink, with days' }, async (name, widget) => {
    const first = await widget.$('unlink-list').locator('li').first().textContent();
    assert.equal(first, words('unlink-paid', { operator: acme, days: '25\u00a0days', date: 'May\u00a027, 2027' }));
  });
});

test('older charges come by a button, and the focus goes on where the list does', async stage => {
  const { page, announce } = await stage.customer();
  announce('503 /widget/v1/account');
  await new Dashboard(page, acme).logIn(ana);
  const year = n => Array.from({ length: n }, (_, at) => ({
    partner: 'netflix', at: '2026-01-02T09:30:00Z', description: `No. ${at}`, amount: { value: 1, currency: 'USD', decimals: 2 },
    servicePeriod: { from: '2026-01-01', to: '2026-01-31' }, status: 'APPROVED',
  }));
  const pages = [{ charges: year(12), cursor: 'one' }, { charges: year(3), cursor: 'two' }, null, { charges: year(1) }];
  const asked = [];
  const answer = more => ({ json: { step: 'account', flow: 'f', subscriptions: [], words: accountWords('en'), ...more } });
  await page.route(`${edge}/widget/v1/account/validate`, route => route.fulfill(answer(pages.shift())));
  await page.route(`${edge}/widget/v1/account`, route => {
    asked.push(route.request().postDataJSON().cursor);
    const next = pages.shift();
    return route.fulfill(next ? answer(next) : { status: 503, json: { code: 'service-unavailable', message: 'Made up.' } });
  });
  const own = await new OwnPage(page, acme).open();
  await own.shows('account');
  await own.$('earlier').click();
  await own.charges().nth(12).and(own.inside.locator(':focus')).waitFor();
  await own.$('earlier').click();
  await own.says('error', 'service-unavailable', { text: 'own-service-unavailable', ways: ['again', 'restart'] });
  await own.go('again');
  await own.shows('account');
  await own.charges().nth(15).and(own.inside.locator(':focus')).waitFor();
  assert.deepEqual([await own.charges().count(), asked], [16, ['one', 'two', 'two']]);
  assert.ok(await own.$('earlier').isHidden());
});

test('an end is confirmed, by keyboard; then charges are declined and Netflix knows', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const before = await acme.bill(ana);
  await new Dashboard(page, acme).logIn(ana);
  const own = await new OwnPage(page, acme).open();
  await own.shows('account');
  const press = async (button, key) => { await button.focus(); await page.keyboard.press(key); };
  await press(own.links().first().getByRole('button'), 'Enter');
  await own.shows('unlink');
  await own.headingHasFocus();
  assert.equal(await own.$('unlink-title').textContent(), own.say('unlink-title', { title: 'Netflix Standard' }));
  assert.deepEqual(await own.$('unlink-list').locator('li').allTextContents(), ['unlink-bill', 'unlink-partner', 'unlink-past'].map(key => own.say(key)));
  await accessible(page, 'ending a link');
  await press(own.$('unlink-no'), 'Space');
  await own.shows('account');
  await own.headingHasFocus();
  assert.equal((await netflix.account('ana@example.com')).pays.reported, null, 'nothing has happened');

  await press(own.links().first().getByRole('button'), 'Space');
  await own.shows('unlink');
  await press(own.$('unlink-yes'), 'Enter');
  await own.says('unlinked', undefined, { title: 'Netflix Standard', ways: ['overview', 'done'] });
  await own.headingHasFocus();
  await accessible(page, 'an ended link');
  await press(own.$('message-primary'), 'Enter');
  await own.shows('account');
  const [, badge, , why] = await own.links().first().locator('> *').allTextContents();
  assert.equal(badge, own.say('link-closed'));
  assert.match(why, /^Ended on .+\. You stopped paying through Acme Mobile\.$/);
  assert.equal(await own.links().getByRole('button').count(), 0);

  const { reported } = await until('Netflix is told', async () => {
    const { pays } = await netflix.account('ana@example.com');
    return pays.reported?.state === 'CLOSED' && pays;
  });
  assert.equal(reported.reason, 'pai-revoked-by-user');
  const declined = await run('2027-04', 'ana@example.com');
  assert.deepEqual([declined.status, declined.declineReason], ['DECLINED', 'pai-revoked-by-user']);
  assert.deepEqual((await acme.bill(ana)).lines, before.lines, 'what was charged stays as it was');
  await page.reload();
  await own.shows('account');
  assert.equal((await own.charge('Apr 1 – 30, 2027')).at(-1), own.say('reason-pai-revoked-by-user'));
  assert.equal((await own.statuses())[0], 'DECLINED');
});

test('nothing keeps somebody who has ended it from coming back', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).logIn(ana);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
});
