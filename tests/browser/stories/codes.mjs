// Codes by text message: wrong, used, too many; and the edge's own limit on calls from one address.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { pin } from '../harness/gallery.mjs';
import { acme, edge, nova } from '../harness/system.mjs';
import { Dashboard, phone, wrong } from '../pages/dashboard.mjs';
import { answerWords, words } from '../pages/words.mjs';
import { carl, dora, nobody, novaNobody } from '../people.mjs';

const PINS_PER_DAY_MAX = 10;
const TRIES_MAX = 5;
const CALLS_A_MINUTE_MAX = 60;         // WIDGET_RATE in wrangler.toml
const RESEND_MILLISECONDS = 31_000;
const OFFER = 'netflix-standard';

about('codes');

test('a wrong code is said at the field; the right one still works, in Arabic digits and as it was pasted too', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/pin');
  const widget = await new Dashboard(page, acme).open();
  const his = await phone(acme, carl);
  await widget.enter(carl);
  await widget.shows('pin');
  const code = await his.code();
  await widget.enterCode('12345');
  await widget.complains('pin', 'pin-short', 'code');
  await widget.enterCode('12345x');
  await widget.complains('pin', 'pin-short', 'code');
  await widget.enterCode(wrong(code));
  await widget.complains('pin', 'pin-invalid', 'code');
  const arabic = [...code].map(digit => String.fromCodePoint(0x660 + Number(digit))).join('');
  await widget.enterCode(`\u2068${arabic.slice(0, 3)}\u2011${arabic.slice(3)}\u2069.`);
  await widget.shows('confirm');
});

test('five wrong codes are the end of a code, right or not; a new one works', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/pin', '429 /widget/v1/pin');
  const widget = await new Dashboard(page, acme).open();
  const his = await phone(acme, carl);
  await widget.enter(carl);
  await widget.shows('pin');
  const code = await his.code();
  for (let attempt = 1; attempt < TRIES_MAX; attempt += 1) {
    await widget.enterCode(wrong(code));
    await widget.complains('pin', 'pin-invalid', 'code');
  }
  // The fifth: had it been the right one, or a sixth were, it would be too late.
  await widget.enterCode(wrong(code));
  await widget.says('error', 'too-many-requests', { text: 'too-many-pins', ways: ['resend', 'change-number'] });
  assert.equal(await widget.$('message-when').textContent(), '', 'there is nothing to wait for');
  await widget.headingHasFocus();
  await widget.go('resend');
  await widget.shows('pin');
  const next = await his.code();
  await widget.enterCode(next);
  await widget.shows('confirm');
});

for (const [what, status, code] of [['used up', 429, 'too-many-requests'], ['over', 400, 'pin-expired']]) {
  test(`a reload does not come back to a code that is ${what}`, async stage => {
    const { page, announce } = await stage.customer();
    announce(`${status} /widget/v1/pin`);
    await answerNumbers(page, { json: pin() });
    await page.route(`${edge}/widget/v1/pin`, route => route.fulfill({ status, json: { code, message: 'Made up.', words: answerWords('en') } }));
    const widget = await new Dashboard(page, acme).open();
    await widget.enter(nobody);
    await widget.shows('pin');
    await widget.enterCode('123456');
    await widget.shows(status === 429 ? 'error' : 'pin', code);
    await page.reload();
    await widget.shows('number');
  });
}

test('a code of an address that is held up is good a minute later, and a screen reader says when', async stage => {
  const { page, announce } = await stage.customer();
  announce('429 /widget/v1/pin');
  await page.clock.install();
  await answerNumbers(page, { json: pin() });
  // The edge's own refusal: no words come with it, as they do from the origin.
  const heldUp = { status: 429, headers: { 'retry-after': '60' }, json: { code: 'too-many-requests', message: 'Made up.' } };
  await page.route(`${edge}/widget/v1/pin`, route => route.fulfill(heldUp));
  const widget = await new Dashboard(page, acme).open();
  await widget.enter(nobody);
  await widget.shows('pin');
  await widget.enterCode('123456');
  await widget.says('error', 'too-many-requests', { ways: ['back-to-code', 'change-number'] });
  await widget.$('message-when').filter({ hasText: /\d/ }).waitFor();
  await page.clock.fastForward(61_000);
  const over = words('retry-now', { operator: acme });
  await widget.$('status').filter({ hasText: over }).waitFor({ state: 'attached' });
  assert.equal(await widget.$('message-when').textContent(), over);
  await widget.go('back-to-code');
  await widget.shows('pin');
  assert.equal(await widget.$('code').inputValue(), '123456');
  // It is kept for a reload, too.
  await page.reload();
  await widget.shows('pin');
});

test('a code whose answer was lost is right again', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const hers = await phone(acme, dora);
  const [answer] = await Promise.all([page.waitForResponse('**/widget/v1/account/validate'), widget.enter(dora)]);
  await widget.shows('pin');
  const { flow } = await answer.json();
  const code = await hers.code();
  assert.equal((await widget.ask('pin', { operator: 'acme', flow, pin: code })).step, 'confirm');
  await widget.enterCode(code);
  await widget.shows('confirm');
});

test('a code that is over is said to be; half a minute later a new one can be had', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/pin');
  // Only this page's own clock goes faster. The origin's cannot be moved from here: that a code is over after ten
  // minutes is shown where the clock is a parameter, and it is the same answer as for a visit that is not there any more.
  await page.clock.install();
  const widget = await new Dashboard(page, acme).open();
  // It stands still from here on, so that half a minute is never over by itself.
  await page.clock.pauseAt(Date.now() + 60_000);
  const hers = await phone(acme, dora);
  await widget.enter(dora);
  await widget.shows('pin');
  const code = await hers.code();
  const forgotten = route => route.continue({ postData: { ...route.request().postDataJSON(), flow: 'forgotten' } });
  await page.route('**/widget/v1/pin', forgotten, { times: 1 });

  // Too early, and marked so: nothing happens.
  await widget.$('resend').and(widget.inside.locator('[aria-disabled=true]')).click({ force: true });
  await widget.shows('pin');
  await widget.enterCode(code);
  await widget.complains('pin', 'pin-expired', 'code');
  assert.doesNotMatch(await widget.$('pin-text').textContent(), /minute/, 'how long it works is over');
  await widget.$('resend').and(widget.inside.locator('[aria-disabled=false]')).click();
  await widget.shows('pin');
  await widget.$('code').and(widget.inside.locator(':not([aria-invalid])')).waitFor();
  const next = await hers.code();
  // The SMS may be on the phone before the frame has its response: the half minute begins with that.
  await widget.$('resend-hint').filter({ hasText: '30' }).waitFor();

  assert.equal(await widget.$('resend').getAttribute('aria-disabled'), 'true');
  await page.clock.fastForward(RESEND_MILLISECONDS);
  await widget.$('resend').and(widget.inside.locator('[aria-disabled=false]')).click();
  const newest = await hers.code();
  assert.notEqual(newest, next);
  await widget.enterCode(newest);
  await widget.shows('confirm');
});

test('a number gets ten codes and then one an hour, real or not; another number is not held up', async stage => {
  const { page, announce } = await stage.customer();
  announce('429 /widget/v1/account/validate');
  const widget = await new Dashboard(page, nova).open();
  for (let code = 0; code < PINS_PER_DAY_MAX; code += 1) {
    const { step } = await widget.ask('account/validate', { operator: 'nova', offer: OFFER, msisdn: novaNobody, locale: 'en' });
    assert.equal(step, 'pin');
  }
  await widget.enter(novaNobody);
  await widget.says('error', 'too-many-requests', { ways: ['again'] });
  assert.match(await widget.$('message-when').textContent(), /^You can try again in (59|60)\u00a0minutes\.$/);
  await widget.go('again');
  await widget.enter('+34612345698');
  await widget.shows('pin');
});

/**
 * Calls until the address has no calls left in a minute, and gives after how many seconds it is to come again. Locally
 * the minutes are the clock's own: in the next one the calls are counted again.
 */
function useUpMinute(widget) {
  return widget.body.evaluate(async (_, limit) => {
    const minute = () => Math.floor(Date.now() / 60_000);
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    for (;;) {
      // The edge's minute may begin a moment after ours, and would count the calls of that moment to the one before.
      while (Date.now() % 60_000 < 1000) await new Promise(resolve => { setTimeout(resolve, 50); });
      const begun = minute();
      for (let calls = 1; minute() === begun; calls += 1) {
        const { status, headers } = await fetch('/widget/v1/pin', init);
        if (status === 429) return headers.get('retry-after');
        if (calls > limit && minute() === begun) return 'no limit';
      }
    }
  }, CALLS_A_MINUTE_MAX);
}

test('an address that calls without end is held up for a minute, and nobody else is', async stage => {
  const customer = await stage.customer();
  customer.announce('400 /widget/v1/pin', '429 /widget/v1/pin', '429 /widget/v1/account/validate');
  const widget = await new Dashboard(customer.page, acme).open();
  let state;
  do {
    assert.equal(await useUpMinute(widget), '60');
    await widget.enter(nobody);
    state = await widget.becomes('error', 'pin');
    // The minute was over before the number came.
    if (state === 'pin') await widget.$('change-number').click();
  } while (state === 'pin');
  await widget.says('error', 'too-many-requests', { ways: ['again'] });
  assert.match(await widget.$('message-when').textContent(), /^You can try again in \d+\u00a0seconds\.$/);
  await customer.move();
  await widget.go('again');
  await widget.enter(nobody);
  await widget.shows('pin');
});

/** Answers each request for a code with the next of these, and notes what was sent. */
async function answerNumbers(page, ...answers) {
  const sent = [];
  await page.route(`${edge}/widget/v1/account/validate`, async route => {
    sent.push(route.request().postDataJSON());
    await route.fulfill(await answers[sent.length - 1]);
  });
  return sent;
}

test('a challenge that solves itself again, as its solution has expired, sends no second code', async stage => {
  const { page, announce } = await stage.customer();
  announce('403 /widget/v1/account/validate');
  // Cloudflare's script is replaced by a fake, in a frame of an edge with a challenge.
  await page.addInitScript(() => {
    globalThis.turnstile = { render: (box, { callback }) => { globalThis.solve = callback; } };
  });
  await page.route(`${edge}/widget/v1/frame?*`, async route => {
    const response = await route.fetch();
    const body = (await response.text()).replace(/id="boot"[^>]*>\{/, '$&"challenge":{"siteKey":"key"},');
    await route.fulfill({ response, body });
  });
  const challenged = { status: 403, json: { code: 'challenge-required', message: 'Made up.', words: answerWords('en') } };
  const sent = await answerNumbers(page, challenged, { json: pin() }, { json: pin() });
  const widget = await new Dashboard(page, acme).open();
  const solve = token => widget.body.evaluate((_, token) => globalThis.solve(token), token);
  await widget.enter(nobody);
  await widget.shows('challenge');
  await solve('first');
  await widget.shows('pin');
  await widget.$('code').fill('123');
  await solve('second');
  await widget.shows('pin');
  assert.equal(await widget.$('code').inputValue(), '123', 'the customer goes on typing');
  // The customer's own next call has it.
  await widget.enter(nobody);
  await widget.shows('pin');
  assert.deepEqual(sent.map(({ challengeToken }) => challengeToken), [undefined, 'first', 'second']);
});

test('while a new code is being sent, it cannot be asked for again', async stage => {
  const { page } = await stage.customer();
  await page.clock.install();
  let letGo;
  const held = new Promise(resolve => { letGo = resolve; });
  const sent = await answerNumbers(page, { json: pin() }, held);
  const widget = await new Dashboard(page, acme).open();
  await widget.enter(nobody);
  await widget.shows('pin');
  await page.clock.fastForward(RESEND_MILLISECONDS);
  await widget.$('status').filter({ hasText: words('resend-now', { operator: acme }) }).waitFor({ state: 'attached' });
  await widget.$('resend').and(widget.inside.locator('[aria-disabled=false]')).click();
  await widget.$('resend').filter({ hasText: words('sending', { operator: acme }) }).waitFor();
  // The countdown looks at the button every second.
  await page.clock.fastForward(2000);
  assert.equal(await widget.$('resend').getAttribute('aria-disabled'), 'true');
  letGo({ json: pin() });
  await widget.$('resend-hint').filter({ hasText: /\d/ }).waitFor();
  assert.equal(await widget.$('resend').textContent(), words('resend', { operator: acme }));
  assert.equal(sent.length, 2);
});

test('a browser may offer the code from the SMS within the frame', async stage => {
  const { page } = await stage.customer();
  await new Dashboard(page, acme).open();
  assert.equal(await page.locator('pay-on-bill iframe').getAttribute('allow'), 'otp-credentials');
});
