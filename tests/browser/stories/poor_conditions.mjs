// A customer whose line is slow or whose browser stores nothing, and a page that gives the widget far too much.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { words } from '../pages/words.mjs';
import { alsoNovaNobody, carl, stranger } from '../people.mjs';

about('poor conditions');

/** What browsers' tools call slow 3G: 400 kbit/s, and 400 ms for a request. */
const SLOW_3G = { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 };
const TEN_MEGABYTES = 10 * 1024 * 1024;

async function slowDown({ context, page }) {
  const tools = await context.newCDPSession(page);
  await tools.send('Network.enable');
  await tools.send('Network.emulateNetworkConditions', SLOW_3G);
}

/** The calls of the frame to this path, as they begin. */
function callsOf(page, path) {
  const calls = [];
  page.on('request', request => { if (new URL(request.url()).pathname === `/widget/v1/${path}`) calls.push(request.method()); });
  return calls;
}

/** A button says that it works, to the eye and to a screen reader, until its call to `path` is answered: then it `ends`. */
async function says(widget, button, key, path, ends) {
  const text = words(key, { operator: widget.operator });
  let letGo;
  // Else it may be over between two looks at it: those of a wait are up to half a second apart.
  const seen = new Promise(resolve => { letGo = resolve; });
  await widget.page.route(`${edge}/widget/v1/${path}`, async route => { await seen; await route.continue(); }, { times: 1 });
  await widget.$(button).dblclick();
  await widget.inside.locator('#status', { hasText: text }).waitFor({ state: 'attached' });
  await widget.inside.locator(`#${button}[aria-disabled=true]`, { hasText: text }).waitFor();
  letGo();
  await ends();
}

test('on slow 3G each step says that it works, and nothing is sent twice', async stage => {
  const customer = await stage.customer();
  const { page } = customer;
  await slowDown(customer);
  const asked = callsOf(page, 'account/validate');
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.open();
  await widget.types();
  await widget.$('msisdn').fill(stranger());
  await says(widget, 'number-submit', 'checking', 'account/validate', () => widget.shows('pin'));
  assert.deepEqual(asked, ['POST']);

  await dashboard.logIn(carl);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  const signedUp = callsOf(page, 'signup');
  await says(widget, 'confirm-submit', 'preparing', 'signup', () => new SignUp(page).opens());
  assert.deepEqual(signedUp, ['POST']);
  await new SignUp(page).cancel();
  await dashboard.isBack('cancelled');
});

test('where nothing may be stored the journey works, and a reload begins again without another message', async stage => {
  const { context, page } = await stage.customer();
  // As the browser answers where a customer has blocked the data of sites.
  await context.addInitScript(() => {
    for (const name of ['sessionStorage', 'localStorage']) {
      Object.defineProperty(globalThis, name, { get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); } });
    }
  });
  const asked = callsOf(page, 'account/validate');
  const unknown = await new Dashboard(page, nova).open();
  await unknown.enter(alsoNovaNobody);
  await unknown.shows('pin');
  await page.reload();
  await unknown.shows('number');
  assert.deepEqual(asked, ['POST']);

  const widget = await new Dashboard(page, acme).logIn(carl);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
});

test('a look of 10 MB is left out, with a short warning, and the rest of the look and the page live on', async stage => {
  const { page, announce } = await stage.customer();
  announce('--onbill-font: ');
  const warnings = [];
  page.on('console', message => { if (message.type() === 'warning') warnings.push(message.text()); });
  const widget = await new Dashboard(page, acme).open();
  // The browser itself takes no variable of more than 2 MB for one; a page may hand its frame any.
  await page.locator('pay-on-bill').evaluate((element, [bytes, edge]) => {
    const frame = element.shadowRoot.querySelector('iframe').contentWindow;
    frame.postMessage({ onbill: 1, type: 'init', theme: { font: 'x'.repeat(bytes) } }, edge);
    element.style.setProperty('--onbill-text', 'x'.repeat(bytes));
    element.style.setProperty('--onbill-accent', '#b4235a');
  }, [TEN_MEGABYTES, edge]);
  const look = () => widget.body.evaluate(() => {
    const { style } = document.documentElement;
    return ['--onbill-accent', '--onbill-font'].map(name => style.getPropertyValue(name)).join();
  });
  await until('the frame has the colour and not the font', async () => await look() === '#b4235a,');
  assert.ok(warnings.some(each => each.endsWith('/widget/v1/refusals#theme')), 'the page’s engineer can read why');
  assert.ok(warnings.every(each => each.length < 200), 'and the console does not get the value');
  await widget.enter(stranger());
  await widget.shows('pin');
});

test('a session of 10 MB is none, and the customer goes on with a code', async stage => {
  const { page, announce } = await stage.customer();
  announce('refusals#session');
  const widget = await new Dashboard(page, acme).open();
  const begun = new Promise(resolve => { page.on('request', request => { if (request.url().endsWith('/account/validate')) resolve(request); }); });
  await page.locator('pay-on-bill').evaluate((element, bytes) => { element.session = 'x'.repeat(bytes); }, TEN_MEGABYTES);
  await widget.enter(stranger());
  await widget.shows('pin');
  assert.equal((await begun).postDataJSON().session, undefined);
});
