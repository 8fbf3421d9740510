// Picking a line instead of typing a number, and coming back to the code after a reload.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { pin } from '../harness/gallery.mjs';
import { acme, edge } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { LANGUAGES, answerWords, words, written } from '../pages/words.mjs';
import { dora, nobody } from '../people.mjs';

about('lines, and the way back to the code');

/** Sets a session about these lines. Only the frame believes it: the origin checks the signature. */
const vouch = (page, lines) => page.evaluate(numbers => {
  document.querySelector('pay-on-bill').session = `x.${btoa(JSON.stringify({ numbers }))}.x`;
}, lines);

const RESEND_MILLISECONDS = 31_000;

const step = (n, locale = 'en') => words('step', { operator: acme, locale, step: n, steps: 3 });

test('a customer with one line sees it on the button, and types nothing', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).logIn(dora);
  assert.equal(await widget.$('number-submit').textContent(), words('use-line', { operator: acme, line: written(acme, dora) }));
  assert.ok(await widget.$('msisdn').isHidden());
  assert.equal(await widget.$('step').textContent(), step(1));
  await accessible(page, 'one line');
  // A mistaken click has a way back.
  await widget.$('number-switch').click();
  await widget.inside.locator('#msisdn:focus').waitFor();
  await widget.$('number-switch').click();
  await widget.inside.locator('#number-title:focus').waitFor();
  await widget.$('number-submit').click();
  await widget.agreesTo({ line: dora, price: '$15.99', type: 'prepaid' });
  assert.equal(await widget.$('step').textContent(), step(3));
});

test('a customer with several lines picks one of them, by keyboard too', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const widget = await new Dashboard(page, acme).open();
  const lines = [nobody, dora, '+441632960001'];
  await vouch(page, lines);
  const labels = widget.inside.locator('#lines label');
  await labels.nth(2).waitFor();
  assert.deepEqual(await labels.allTextContents(), [written(acme, nobody), written(acme, dora), lines[2]]);
  await fits(page, 'three lines');
  await accessible(page, 'three lines');
  const asked = [];
  await page.route(`${edge}/widget/v1/account/validate`, route => {
    asked.push(route.request().postDataJSON().msisdn);
    return route.fulfill({ json: { step: 'already-on-bill', flow: 'f', words: answerWords('en') } });
  });
  await labels.first().locator('input').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await widget.shows('error', 'already-on-bill');
  assert.deepEqual(asked, [dora]);
  // Another number of theirs is picked, and none is typed.
  await widget.go('change-number');
  await labels.nth(1).locator('input:checked').waitFor();
});

test('a session that comes late takes nothing from under the customer’s hands', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  await widget.$('msisdn').pressSequentially('2025');
  await vouch(page, [dora]);
  await widget.$('number-switch').waitFor();
  await widget.inside.locator('#msisdn:focus').waitFor();
  assert.equal(await widget.$('msisdn').inputValue(), '2025');
});

test('a session that comes again about the same lines leaves the focus where it is', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const lines = [nobody, dora];
  await vouch(page, lines);
  const second = widget.inside.locator('#lines input').nth(1);
  await second.check();
  await second.focus();
  await vouch(page, lines);
  // It was sent before the look, which the frame shows next.
  await page.locator('pay-on-bill').evaluate(element => element.style.setProperty('--onbill-layout', 'compact'));
  await widget.inside.locator('html.compact').waitFor();
  assert.ok(await second.evaluate(radio => radio.checked && radio === document.activeElement));
});

test('a reload comes back to the code: the SMS is good, and no other is sent', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const hers = await phone(acme, dora);
  await widget.enter(dora);
  await widget.shows('pin');
  assert.equal(await widget.$('step').textContent(), step(2));
  const code = await hers.code();
  const before = (await acme.texts(dora)).length;
  const kept = await widget.body.evaluate(() => JSON.stringify({ ...sessionStorage, ...localStorage }));
  assert.ok(!kept.replace(/\D/g, '').includes(dora.slice(-7)), kept);

  await page.reload();
  await widget.shows('pin');
  const masked = written(acme, dora).replace(/\d(?=.*\d.*\d)/g, '•');
  assert.equal(await widget.$('pin-to').textContent(), words('pin-to', { operator: acme, line: masked }));
  await widget.enterCode(code);
  await widget.shows('confirm');
  assert.ok((await widget.agreed()).some(([, text]) => text === masked));
  assert.equal((await acme.texts(dora)).length, before);
  // What was used is forgotten.
  await page.reload();
  await widget.shows('number');
});

test('whoever wants a new code after a reload types the number again, and the code that they have stays good', async stage => {
  const { page } = await stage.customer();
  await page.clock.install();
  await page.route(`${edge}/widget/v1/account/validate`, route => route.fulfill({ json: pin() }));
  const widget = await new Dashboard(page, acme).open();
  await widget.enter(nobody);
  await widget.shows('pin');
  await page.clock.fastForward(5000);
  await page.reload();
  await widget.shows('pin');
  assert.equal(await widget.$('resend').getAttribute('aria-disabled'), 'true');
  const [left] = /\d+/.exec(await widget.$('resend-hint').textContent());
  assert.ok(left <= 25, `the half minute goes on: ${left} seconds`);
  await page.clock.fastForward(RESEND_MILLISECONDS);
  await widget.$('resend').and(widget.inside.locator('[aria-disabled=false]')).click();
  await widget.shows('number');
  assert.ok(await widget.$('msisdn').isVisible());
  await page.reload();
  await widget.shows('pin');
});

test('the steps are counted in every language, and a failure is within its step', async stage => {
  const { page, announce } = await stage.customer();
  announce('503 /widget/v1/account/validate');
  for (const locale of LANGUAGES) {
    const widget = await new Dashboard(page, acme).open(`?locale=${locale}`);
    const shown = await widget.$('step').textContent();
    const digits = new Intl.NumberFormat(locale);
    const plain = words('step', { operator: acme, locale, step: digits.format(1), steps: digits.format(3) });
    assert.equal(shown.replace(/[\u2068\u2069]/g, ''), plain);
  }
  const widget = await new Dashboard(page, acme).open();
  const refusal = { status: 503, json: { code: 'service-unavailable', message: 'Made up.' } };
  await page.route(`${edge}/widget/v1/account/validate`, route => route.fulfill(refusal));
  await widget.enter(nobody);
  await widget.shows('error', 'service-unavailable');
  assert.equal(await widget.$('step').textContent(), step(1));
});

test('an SMS fills the code in by itself where the browser can, and only while it is asked for', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/pin');
  await page.addInitScript(() => {
    globalThis.OTPCredential = class {};
    Object.defineProperty(document, 'featurePolicy', { value: { allowsFeature: () => true } });
    globalThis.waits = [];
    Object.defineProperty(navigator, 'credentials', { value: {
      get: ({ otp, signal }) => new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        globalThis.waits.push({ otp, signal, resolve });
      }),
    } });
  });
  const widget = await new Dashboard(page, acme).open();
  await widget.enter(nobody);
  await widget.shows('pin');
  await widget.$('change-number').click();
  await widget.shows('number');
  const waits = () => widget.body.evaluate(() => globalThis.waits.map(({ otp, signal }) => [otp.transport[0], signal.aborted]));
  assert.deepEqual(await waits(), [['sms', true]]);
  await widget.enter(nobody);
  await widget.shows('pin');
  assert.deepEqual(await waits(), [['sms', true], ['sms', false]]);
  await widget.body.evaluate(() => globalThis.waits[1].resolve({ code: '123456' }));
  await widget.complains('pin', 'pin-invalid', 'code');
  assert.equal(await widget.$('code').inputValue(), '123456');
});

test('colours that are hard to read are told to the page’s developers', async stage => {
  const { page, announce } = await stage.customer();
  announce(/--onbill-accent-text on --onbill-accent has a contrast of 1\.\d\d:1, below 4\.5:1/);
  const warned = [];
  page.on('console', message => { if (message.type() === 'warning') warned.push(message.text()); });
  await new Dashboard(page, acme).open();
  await page.evaluate(() => {
    document.querySelector('pay-on-bill').style.cssText = '--onbill-accent: #888; --onbill-accent-text: #999';
  });
  await until('the console says it', () => warned.length > 0);
});
