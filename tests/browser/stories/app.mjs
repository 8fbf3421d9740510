// The partner's app, preloaded on a device: it reads the SIM, and its server asks the operator. Acme takes the app's word
// for the number, Nova wants a code.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { walkApp } from '../harness/app_gallery.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { tabTo } from '../harness/keyboard.mjs';
import { acme, netflix, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { App } from '../pages/app.mjs';
import { phone, wrong } from '../pages/dashboard.mjs';
import { ceased, hana, ivo, juno, lia, max, nobody, noor, novaStrangers, poor, suspended } from '../people.mjs';

const EMAIL = 'hana@example.com';
const MONTH = '2026-12';
const VALIDATE = 'POST /ott/v1/account/validate';

about('the app on a device');

test('puts a new account on the bill by the SIM alone', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const app = await new App(page).with(acme, hana);
  await app.shows('offer');
  assert.deepEqual(await app.calls(), [], 'nothing has left the device');
  await app.tap('validate', { clicks: 2 });
  await app.shows('account');
  assert.deepEqual(await app.calls(), [`${VALIDATE} 200`], 'asked once');
  await app.createAccount(EMAIL, { clicks: 2 });
  await app.shows('done');
  assert.match(await app.text(), /You’re all set[^]+hana@example\.com[^]+on your Acme Mobile bill[^]+\$15\.99/);
  const { pays } = await netflix.account(EMAIL);
  assert.deepEqual([pays.how, pays.operator], ['bill', 'acme']);
  assert.deepEqual(await acme.texts(hana), [], 'nobody sent a code');
  await app.reopen();
});

test('knows her again on another device, without showing the whole address', async stage => {
  const { page } = await stage.customer();
  const app = await new App(page).with(acme, hana);
  await app.tap('validate');
  await app.shows('done');
  assert.match(await app.text(), /Already paid on your Acme Mobile bill[^]+h•••@example\.com/);
});

test('has the month charged by the PAI, and she finds it on her bill once', async () => {
  const { pays } = await netflix.account(EMAIL);
  for (const round of [1, 2]) {
    await until(`the charge is approved in round ${round}`, async () => {
      const { charges } = await netflix.billingRun(MONTH);
      return charges.find(each => each.extTransactionID.includes(pays.extSubscriptionID)).status === 'APPROVED';
    });
  }
  const { amount, servicePeriod } = await acme.line(hana);
  assert.deepEqual(amount, { value: 1599, currency: 'USD' });
  assert.deepEqual(servicePeriod, { from: '2026-12-01', to: '2026-12-31' });
});

test('moves an account from its card', async stage => {
  const { page } = await stage.customer();
  const app = await new App(page).with(acme, ivo);
  await app.tap('validate');
  await app.moveAccount('lee@example.com');
  await app.shows('done');
  assert.equal((await netflix.account('lee@example.com')).pays.how, 'bill');
});

for (const [who, open, code, advice] of [
  ['whose line has ended', app => app.with(acme, ceased), 'account-not-found', /ask Acme Mobile/],
  ['whom nobody knows', app => app.withTyped(nobody, '00101'), 'account-not-found', /try again later/],
  ['whose bill is unpaid', app => app.with(acme, suspended), 'suspended-non-payment', /Once it is paid there, try again/],
  ['without balance', app => app.with(acme, poor), 'insufficient-balance', /A month costs \$15\.99\. Top up at Acme Mobile/],
]) {
  test(`tells a customer ${who} what to do, and can be asked again`, async stage => {
    const { page } = await stage.customer({ viewport: PHONE });
    const app = await open(new App(page));
    await app.tap('validate');
    await app.shows(code);
    assert.match(await app.text(), advice);
    await app.tap('again');
    await app.shows(code);
    assert.equal((await app.calls()).length, 2);
    await app.reopen();
    await page.getByText('Pay in another way').click();
    await app.shows('other-ways');
  });
}

test('asks nobody about a SIM of another network, or one that does not tell its number', async stage => {
  const { page } = await stage.customer();
  for (const sim of [[noor, '001-99'], ['', '001-01']]) {
    const app = await new App(page).withTyped(...sim);
    await app.shows('other-ways');
    assert.deepEqual(await app.calls(), []);
  }
});

test('says at the field what is no number', async stage => {
  const { page, announce } = await stage.customer({ viewport: PHONE });
  announce('400 /app');
  await page.goto(`${netflix.url}/app`);
  await page.locator('#msisdn').fill('202 555 0199');
  await page.locator('#network').fill('001-01');
  await page.locator('#own-sim button').click();
  await page.locator('#msisdn[aria-invalid=true]:focus').waitFor();
  await accessible(page, 'a mistyped SIM');
  await fits(page, 'a mistyped SIM');
});

test('goes on where it was when the origin answers again, at the number and at the account', async stage => {
  const { page } = await stage.customer();
  const app = await new App(page).with(acme, juno);
  await acme.withoutOrigin(async () => {
    await app.tap('validate');
    await app.shows('service-unavailable');
    await accessible(page, 'service-unavailable');
    await app.tap('again');
    await app.shows('service-unavailable');
  });
  await app.tap('again');
  await app.shows('account');
  assert.match(await app.text(), /\$15\.99 a month from your balance/);
  await acme.withoutOrigin(async () => {
    await app.createAccount('juno@example.com');
    await app.shows('service-unavailable');
    assert.equal(await netflix.account('juno@example.com'), undefined, 'no account without a subscription');
  });
  await app.tap('again');
  await app.shows('done');
  assert.match(await app.text(), /juno@example\.com[^]+from your Acme Mobile balance/);
});

test('wants a code where the operator does: a wrong one is said, the right one from the text message goes on', async stage => {
  const { page } = await stage.customer({ viewport: PHONE, locale: 'es-ES' });
  const hers = await phone(nova, lia);
  const app = await new App(page).with(nova, lia);
  await app.tap('validate');
  await app.shows('code');
  assert.deepEqual(await app.calls(), [`${VALIDATE} 400 pin-invalid`, 'POST /ott/v1/pin 202']);
  const text = await hers.text();
  assert.match(text, /^\d{6} es su código de Nova Móvil/);
  const code = text.slice(0, 6);
  await app.enterCode(wrong(code));
  await page.getByRole('alert').getByText('This is not the code').waitFor();
  await page.locator('#code[aria-invalid=true]:focus').waitFor();
  await app.tap('new-code', { clicks: 2 });
  await page.locator('#code:not([aria-invalid])').waitFor();
  await app.enterCode(await hers.code());
  await app.shows('account');
  assert.equal((await nova.texts(lia)).length, 2, 'two clicks are one text message');
  await app.createAccount('lia@example.com');
  await app.shows('done');
  assert.equal((await netflix.account('lia@example.com')).pays.operator, 'nova');
});

test('tells nothing of a number before its code, and none goes to a stranger', async stage => {
  const { page } = await stage.customer();
  const [stranger] = novaStrangers;
  const app = await new App(page).withTyped(stranger, '001-02');
  await app.tap('validate');
  await app.shows('code');
  assert.deepEqual(await app.calls(), [`${VALIDATE} 400 pin-invalid`, 'POST /ott/v1/pin 202']);
  await app.enterCode('123456');
  await page.locator('#code-problem').waitFor();
  assert.deepEqual(await nova.texts(stranger), []);
});

test('can be used by keyboard alone, on a phone', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const his = await phone(nova, max);
  const app = new App(page);
  await page.goto(`${netflix.url}/app`);
  await tabTo(page, page.locator('#msisdn'));
  await page.keyboard.type('+34 612 345 608');
  await tabTo(page, page.locator('#network'));
  await page.keyboard.type('001-02');
  await page.keyboard.press('Enter');
  await app.shows('offer');
  await tabTo(page, app.button('validate'));
  await page.keyboard.press('Enter');
  await app.shows('code');
  await tabTo(page, page.locator('#code'));
  await page.keyboard.type(await his.code());
  await page.keyboard.press('Enter');
  await app.shows('account');
  // To the second form, and back to the first.
  for (const form of ['existing', 'new']) {
    await tabTo(page, page.locator(`details:has(#${form}-form) summary`));
    await page.keyboard.press('Enter');
    await page.locator(`#${form}-email`).waitFor();
  }
  await tabTo(page, page.locator('#new-email'));
  await page.keyboard.type('max@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type('a long password');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await app.shows('done');
  assert.equal((await netflix.account('max@example.com')).pays.operator, 'nova');
});

for (const [n, options] of [{ colorScheme: 'light' }, { colorScheme: 'dark', viewport: PHONE }].entries()) {
  test(`axe finds nothing serious on any of its screens, and they fit: ${options.colorScheme}`, async stage => {
    const { page } = await stage.customer(options);
    await walkApp(page, { stranger: novaStrangers[n + 1], member: hana }, async name => {
      await accessible(page, name);
      await fits(page, name);
    });
  }, { seconds: 600 });
}

test('what came back to the partner had no number in it, and nothing else that it must not know', async () => {
  const { leaks, accounts } = await netflix.accounts();
  assert.deepEqual(leaks, []);
  const digits = JSON.stringify(accounts).replace(/[^0-9]/g, '');
  for (const number of [hana, ivo, juno, lia, max]) assert.ok(!digits.includes(number.slice(-9)));
  assert.deepEqual((await netflix.charges()).contradictions, []);
});
