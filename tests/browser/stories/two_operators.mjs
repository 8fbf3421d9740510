// Two operators side by side on one edge, in one browser: each sees its own subscribers and nothing of the other's.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, netflix, nova } from '../harness/system.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { ben, carl, eva, kim } from '../people.mjs';

about('two operators on one edge');

test('customers of both sign up at the same time, and each pays on the own bill', async stage => {
  const { context, page } = await stage.customer();
  const [ours, theirs] = [new Dashboard(page, acme), new Dashboard(await context.newPage(), nova)];
  const his = await ours.logIn(carl);
  const hers = await theirs.open();
  await his.$('number-submit').click();
  await his.shows('confirm');
  await hers.proveWith('612 34 56 01', await phone(nova, eva));
  await hers.agreesTo({ line: '612 34 56 01', price: '€13.99' });
  await his.$('confirm-submit').click();
  await hers.$('confirm-submit').click();
  const [one, other] = [await new SignUp(page).opens(), await new SignUp(theirs.page).opens()];
  await one.createAccount('carl@example.com');
  await other.createAccount('eva@example.com');
  await other.goBack();
  await one.goBack();
  await theirs.isBack('success');
  await ours.isBack('success');

  const run = await netflix.billingRun('2027-01');
  assert.equal(run.totals.failed + run.totals.declined, 0);
  const paying = async email => (await netflix.account(email)).pays;
  assert.equal((await paying('carl@example.com')).operator, 'acme');
  assert.equal((await paying('eva@example.com')).operator, 'nova');
  assert.deepEqual((await acme.line(carl)).amount, { value: 1599, currency: 'USD' });
  assert.deepEqual((await nova.line(eva)).amount, { value: 1399, currency: 'EUR' });
});

test('no page or answer of one shows a number of the other', async stage => {
  const { page, announce } = await stage.customer();
  announce('404 /bill');
  const digits = async () => (await page.content()).replace(/[^0-9]/g, '');
  for (const [operator, other, someone, stranger] of [[acme, nova, carl, eva], [nova, acme, eva, carl]]) {
    await new Dashboard(page, operator).logIn(someone);
    for (const path of ['/', '/sms', '/bill', '/session', '/done', operator.page('sms', someone), operator.page('bill', someone)]) {
      await page.goto(new URL(path, operator.dashboard).href);
      const shown = await digits();
      for (const number of other.numbers) assert.ok(!shown.includes(number.slice(-9)), `${operator.name} ${path} shows ${other.name}’s numbers`);
    }
    assert.deepEqual(await operator.texts(stranger), []);
    assert.equal((await page.goto(operator.page('bill', stranger))).status(), 404);
  }
});

test('one’s word, flow and way back are nothing at the other', async stage => {
  const { page, announce, context } = await stage.customer();
  announce('400 /widget/v1/account/validate', '400 /widget/v1/signup', '400 /widget/v1/pin', '404 /widget/v1/return/nova');
  const ours = new Dashboard(page, acme);
  const widget = await ours.logIn(ben);
  const session = await page.evaluate(async () => (await (await fetch('/session')).json()).session);
  const question = { offer: 'netflix-standard', locale: 'en', msisdn: ben, session };
  assert.equal((await widget.ask('account/validate', { ...question, operator: 'nova' })).code, 'token-invalid');

  const other = await ours.logIn(kim);
  const [answer] = await Promise.all([page.waitForResponse('**/widget/v1/account/validate'), other.$('number-submit').click()]);
  const { flow } = await answer.json();
  assert.equal((await other.ask('signup', { operator: 'nova', flow })).code, 'token-expired');
  assert.equal((await other.ask('pin', { operator: 'nova', flow, pin: '123456' })).code, 'pin-expired');

  await other.$('confirm-submit').click();
  await new SignUp(page).opens();
  const back = new URL(await page.locator('#cancel').getAttribute('href'));
  assert.ok(back.href.startsWith(`${edge}/widget/v1/return/acme/`));
  const stranger = await context.newPage();
  assert.equal((await stranger.goto(back.href.replace('/acme/', '/nova/'))).status(), 404);
});
