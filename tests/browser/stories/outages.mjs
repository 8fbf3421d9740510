// Each party out of order while a customer is on the way. Processes are really taken down; nothing is charged or lost,
// the customer is told who does not answer, and the way on works once it does.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, netflix, nova } from '../harness/system.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { words } from '../pages/words.mjs';
import { carl, dora, gil, nobody, novaSuspended } from '../people.mjs';

about('outages');

const tryAgain = { ways: ['again', 'restart'] };

test('the operator’s origin is down: at the number and at the offer', async stage => {
  const { page, announce } = await stage.customer();
  announce('503 /widget/v1/account/validate', '503 /widget/v1/signup');
  const widget = await new Dashboard(page, acme).logIn(carl);
  await acme.withoutOrigin(async () => {
    await widget.$('number-submit').click();
    await widget.says('error', 'service-unavailable', tryAgain);
    await widget.headingHasFocus();
    await widget.go('again');
    await widget.says('error', 'service-unavailable', tryAgain);
  });
  await widget.go('again');
  await widget.shows('confirm');

  await acme.withoutOrigin(async () => {
    await widget.$('confirm-submit').click();
    await widget.says('error', 'service-unavailable', tryAgain);
  });
  await widget.go('again');
  const signUp = await new SignUp(page).opens();
  await signUp.cancel();
  await new Dashboard(page, acme).isBack('cancelled');
});

test('the widget itself is still there while the origin is not', async stage => {
  const { page } = await stage.customer();
  await acme.withoutOrigin(() => new Dashboard(page, acme).open());
});

test('the operator’s account system is down', async stage => {
  const { page, announce } = await stage.customer();
  announce('503 /widget/v1/account/validate');
  const widget = await new Dashboard(page, nova).logIn(gil);
  for (const faults of [{ down: true }, { 'account-validate': 'garbage' }]) {
    await nova.withFaults(faults, async () => {
      await widget.$('number-submit').click();
      await widget.says('error', 'service-unavailable', tryAgain);
    });
    await widget.go('restart');
  }
  await widget.$('number-submit').click();
  await widget.shows('confirm');
});

test('text messages cannot be sent at first: the code comes late, not never', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, nova).open();
  const his = await phone(nova, gil);
  await nova.withFaults({ notification: 'down' }, async () => {
    await widget.enter(gil);
    await widget.shows('pin');
  });
  await widget.enterCode(await his.code());
  await widget.shows('confirm');
});

test('the SMSC is overloaded at first: the same', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const hers = await phone(acme, dora);
  await acme.withFaults({ smsc: 'throttle' }, async () => {
    await widget.enter(dora);
    await widget.shows('pin');
  });
  await widget.enterCode(await hers.code());
  await widget.shows('confirm');
});

test('Netflix is down: nobody is sent there, and then somebody is', async stage => {
  const { page, announce } = await stage.customer();
  announce('503 /widget/v1/signup');
  const widget = await new Dashboard(page, acme).logIn(carl);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  await netflix.withFaults({ down: true }, async () => {
    await widget.$('confirm-submit').click();
    await widget.says('error', 'partner-unavailable', tryAgain);
  });
  await netflix.withFaults({ 'signup-sessions': 'garbage' }, async () => {
    await widget.go('again');
    await widget.says('error', 'partner-unavailable', tryAgain);
  });
  await widget.go('again');
  await new SignUp(page).opens();
});

test('the origin goes down while the customer is at Netflix, and on the way back', async stage => {
  const { page, announce } = await stage.customer();
  announce('503 /signup/', '503 /widget/v1/return/');
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.logIn(dora);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  await widget.$('confirm-submit').click();
  const signUp = await new SignUp(page).opens();
  await acme.withoutOrigin(async () => {
    await signUp.createAccount('dora@example.com');
    await page.locator('#new-problem').waitFor();
    assert.equal(await netflix.account('dora@example.com'), undefined, 'no account without a subscription');
  });
  await signUp.createAccount('dora@example.com');
  await page.locator('#all-set').waitFor();
  await acme.withoutOrigin(async () => {
    await signUp.goBack();
    await page.getByRole('heading', { name: 'We cannot reach your operator' }).waitFor();
    assert.equal(new URL(page.url()).origin, edge);
  });
  await page.getByRole('link').click();
  await dashboard.isBack('success');
});

test('the customer is offline', async stage => {
  const { context, page, announce } = await stage.customer();
  announce('ERR_INTERNET_DISCONNECTED /widget/v1/account/validate');
  const widget = await new Dashboard(page, acme).open();
  await context.setOffline(true);
  await widget.enter(nobody);
  await widget.says('error', 'network', tryAgain);
  await context.setOffline(false);
  await widget.go('again');
  await widget.shows('pin');
});

test('the frame does not load: the loader says so and loads it again', async stage => {
  const { page, announce } = await stage.customer();
  announce('ERR_FAILED /widget/v1/frame', 'refusals#frame-unavailable');
  await page.route('**/widget/v1/frame?*', route => route.abort());
  await page.goto(`${acme.dashboard}/`);
  await page.getByRole('alert').getByText('This could not be loaded.').waitFor();
  await page.unroute('**/widget/v1/frame?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await new Dashboard(page, acme).widget.shows('number');
});

test('the frame never answers: the loader says so after fifteen seconds', async stage => {
  const { page, announce } = await stage.customer();
  announce('refusals#frame-unavailable');
  await page.clock.install();
  await page.route('**/widget/v1/frame?*', () => {});
  await page.goto(`${acme.dashboard}/`, { waitUntil: 'commit' });
  await page.waitForFunction(() => document.querySelector('pay-on-bill')?.shadowRoot?.querySelector('iframe'));
  await page.clock.fastForward(16_000);
  await page.getByRole('alert').getByText('This could not be loaded.').waitFor();
});

test('no answer comes in time', async stage => {
  const { page } = await stage.customer();
  // The edge answers 503 long before the frame gives up, so silence has to be made up here; and so has the time.
  await page.addInitScript(() => {
    const patient = AbortSignal.timeout.bind(AbortSignal);
    globalThis.onbillHurry = false;
    AbortSignal.timeout = milliseconds => patient(globalThis.onbillHurry ? 1 : milliseconds);
  });
  await page.route('**/widget/v1/account/validate', () => {});
  const widget = await new Dashboard(page, nova).open();
  await widget.body.evaluate(() => { globalThis.onbillHurry = true; });
  await widget.enter(novaSuspended);
  await widget.says('error', 'timeout', tryAgain);
  await page.unroute('**/widget/v1/account/validate');
  // What is answered has all the time that it needs.
  await widget.body.evaluate(() => { globalThis.onbillHurry = false; });
  await widget.go('again');
  await widget.shows('pin');
});

test('half of the edge is of a version before: amounts and refusals are shown as far as they are known', async stage => {
  const { page, announce } = await stage.customer();
  announce('404 /widget/v1/account/validate');
  const widget = await new Dashboard(page, acme).logIn(carl);
  const price = { value: 1599, currency: 'USD' };
  const agreement = { title: 't', rows: [{ label: 'l', text: '{price}' }], note: 'n', consent: 'c', links: [], accept: 'a', price };
  const answers = [
    { status: 404, json: { code: 'account-not-found', message: 'Made up.' } },
    { json: { step: 'confirm', flow: 'f', type: 'postpaid', offer: { id: 'netflix-standard', title: 'o', partner: 'netflix', price }, agreement } },
  ];
  await page.route(`${edge}/widget/v1/account/validate`, route => route.fulfill(answers.shift()));
  await widget.$('number-submit').click();
  await widget.shows('error', 'account-not-found');
  assert.equal(await widget.$('message-title').textContent(), words('unexpected-title', { operator: acme }));
  assert.equal(await widget.$('message-text').textContent(), words('unexpected', { operator: acme }));
  await widget.go('change-number');
  await widget.enter('2025550107');
  await widget.shows('confirm');
  assert.equal(await widget.$('agreed').locator('dd').textContent(), '$15.99');
});
