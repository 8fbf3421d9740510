// The page around the widget: what it may forbid, what it may leave out, and what its engineer is told.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { openDashboardPage } from '../harness/dashboard_page.mjs';
import { acme, edge } from '../harness/system.mjs';
import { phone } from '../pages/dashboard.mjs';
import { Widget } from '../pages/widget.mjs';
import { agreementWord, answerWords, words } from '../pages/words.mjs';
import { noor, stillNobody } from '../people.mjs';

about('integration');

const loader = `<script src="${edge}/widget/v1/onbill.js"></script>`;
const element = (attributes = 'offer="netflix-standard"') => `<pay-on-bill operator="acme" ${attributes}></pay-on-bill>`;
const facts = async () => (await fetch(`${edge}/widget/v1/onbill.json`)).json();

// Notes what the element and the page hear, before the loader comes.
const listening = `<script>
  window.heard = [];
  window.bubbled = [];
  addEventListener('error', event => bubbled.push(event.type));
  document.addEventListener('DOMContentLoaded', () => document.querySelector('pay-on-bill').addEventListener('error',
    ({ detail }) => heard.push(detail.code)));
</script>`;

/** The longest that an engineer waits for what went wrong, in milliseconds. */
const TOLD_WITHIN = 500;
// The page's timers stand still, and are run by hand: how long they would take is theirs to say, not this machine's.
const stopped = `<script>
  window.timers = new Map();
  const [start, stop] = [setTimeout, clearTimeout];
  let last = 0;
  window.setTimeout = (act, wait) => { if (!wait) return start(act); timers.set(last -= 1, { act, wait }); return last; };
  window.clearTimeout = id => timers.delete(id) || stop(id);
</script>`;

test('a page with a strict policy, Trusted Types and integrity shows the widget', async stage => {
  const customer = await stage.customer();
  const { url, integrity } = await facts();
  await openDashboardPage(customer, `<script src="${url}" integrity="${integrity}" crossorigin="anonymous"></script>${element()}`, {
    headers: {
      'content-security-policy':
        `default-src 'none'; script-src ${edge}; frame-src ${edge}; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'`,
    },
  });
  await new Widget(customer.page, acme).shows('number');
});

test('a version with another hash is not run', async stage => {
  const customer = await stage.customer();
  customer.announce(/integrity/);
  const { url } = await facts();
  const other = `sha256-${Buffer.alloc(32).toString('base64')}`;
  await openDashboardPage(customer, `<script src="${url}" integrity="${other}" crossorigin="anonymous"></script>${element()}`);
  assert.equal(await customer.page.evaluate(() => customElements.get('pay-on-bill')), undefined);
});

test('an isolated page shows the widget, and the script may be a module', async stage => {
  const customer = await stage.customer();
  await openDashboardPage(customer, `<script type="module" src="${edge}/widget/v1/onbill.js"></script>${element()}`, {
    headers: { 'cross-origin-embedder-policy': 'require-corp', 'cross-origin-opener-policy': 'same-origin' },
  });
  await new Widget(customer.page, acme).shows('number');
  assert.equal(await customer.page.evaluate(() => crossOriginIsolated), true);
});

for (const [code, status, attributes] of [
  ['attribute-missing', 400, ''],
  ['offer-not-served', 404, 'offer="none"'],
  ['view-not-served', 404, 'view="bill"'],
  ['return-url-not-listed', 400, 'offer="netflix-standard" return-url="https://evil.example/"'],
  ['return-url-not-listed', 400, 'offer="netflix-standard" return-url="http://["'],
  ['return-url-taken', 400, 'offer="netflix-standard" return-url="/done?onbill_result=a"'],
]) {
  test(`a refused frame is told: ${code} with ${attributes || 'nothing'}`, async stage => {
    const customer = await stage.customer();
    customer.announce(`${status} /widget/v1/frame`, `refusals#${code}`);
    await openDashboardPage(customer, listening + loader + element(`${attributes} locale="de"`));
    const { page } = customer;
    await page.waitForFunction(() => globalThis.heard.length > 0);
    const { heard, bubbled } = await page.evaluate(() => ({ heard: globalThis.heard, bubbled: globalThis.bubbled }));
    assert.deepEqual(heard, [code]);
    assert.deepEqual(bubbled, []);
    assert.equal(await new Widget(page, acme).inside.locator('html').getAttribute('lang'), 'de');
    assert.match(await page.locator('pay-on-bill iframe').getAttribute('title'), /nicht/);
    const explained = await fetch(`${edge}/widget/v1/refusals`).then(answer => answer.text());
    assert.ok(explained.includes(`id="${code}"`));
  });
}

test('a page that does not let the frame in is reported within half a second of its load', async stage => {
  const customer = await stage.customer();
  customer.announce(/frame-src|BLOCKED_BY_CSP|csp \/widget/, 'refusals#frame-unavailable');
  await openDashboardPage(customer, stopped + listening + loader + element(), {
    headers: { 'content-security-policy': "frame-src 'none'" },
  });
  const { page } = customer;
  const note = page.getByRole('button', { name: words('again', { operator: acme }) });
  // A browser's own error page has loaded into the frame: from here on the loader waits for the edge's frame to speak.
  await page.waitForFunction(most => [...globalThis.timers.values()].some(({ wait }) => wait <= most), TOLD_WITHIN);
  assert.deepEqual(await page.evaluate(() => globalThis.heard), [], 'the frame has its time to speak');
  assert.equal(await note.count(), 0);
  const waiting = await page.evaluate(() => {
    const timers = [...globalThis.timers.values()];
    globalThis.timers.clear();
    timers.forEach(({ act }) => act());
    return timers.length;
  });
  assert.equal(waiting, 1, 'it no longer waits for the frame to load');
  await note.waitFor();
  assert.deepEqual(await page.evaluate(() => globalThis.heard), ['frame-unavailable']);
});

test('attributes are properties, and the element can be destroyed, reset and focused', async stage => {
  const customer = await stage.customer();
  const { page } = customer;
  await openDashboardPage(customer, `<script>
    const early = document.createElement('pay-on-bill');
    Object.assign(early, { operator: 'acme', offer: 'netflix-standard', locale: 'fr', returnUrl: '/done' });
  </script>${loader}<script>document.documentElement.append(early);</script>`);
  const widget = new Widget(page, acme);
  await widget.shows('number');
  assert.equal(await widget.inside.locator('html').getAttribute('lang'), 'fr');
  const inElement = act => page.locator('pay-on-bill').evaluate(act);
  assert.deepEqual(await inElement(each => ['operator', 'offer', 'locale', 'return-url', 'view'].map(name => each.getAttribute(name))),
    ['acme', 'netflix-standard', 'fr', '/done', null]);
  await inElement(each => { each.locale = 'es'; each.returnUrl = null; });
  await widget.inside.locator('html[lang=es]').waitFor();
  await widget.shows('number');
  assert.deepEqual(await inElement(each => [each.returnUrl, each.view, each.hasAttribute('return-url')]), ['', '', false]);

  await inElement(each => each.focus());
  assert.equal(await page.evaluate(() => document.activeElement.localName), 'pay-on-bill');
  await inElement(each => each.destroy());
  assert.equal(await page.locator('pay-on-bill iframe').count(), 0);
  await inElement(each => { each.locale = 'de'; });
  assert.equal(await page.locator('pay-on-bill iframe').count(), 0, 'an attribute does not bring it back');
  await inElement(each => each.reset());
  await widget.shows('number');
  assert.equal(await widget.inside.locator('html').getAttribute('lang'), 'de');
});

test('two widgets on a page are two visits, and each frame is named after its own', async stage => {
  const customer = await stage.customer();
  const { page } = customer;
  await openDashboardPage(customer, `${loader}<div id="one">${element()}</div><div id="other">${element('view="account"')}</div>`);
  const [one, other] = ['one', 'other'].map(id => new Widget(page, acme, `#${id} pay-on-bill iframe`));
  await one.enter(stillNobody);
  await one.shows('pin');
  await other.shows('number');
  const titles = await page.locator('pay-on-bill iframe').evaluateAll(frames => frames.map(frame => frame.title));
  assert.deepEqual(titles, ['title', 'own-title'].map(key => words(key, { operator: acme })));
  await page.locator('#one pay-on-bill').evaluate(each => each.destroy());
  await other.enter(stillNobody);
  await other.shows('pin');
});

test('a language that changes in the middle of a step leaves the customer in it', async stage => {
  const customer = await stage.customer();
  const { page } = customer;
  await openDashboardPage(customer, loader + element());
  const widget = new Widget(page, acme);
  await widget.enter(stillNobody);
  await widget.shows('pin');
  const asked = [];
  page.on('request', request => { if (request.url().endsWith('/account/validate')) asked.push(request.url()); });
  await page.locator('pay-on-bill').evaluate(each => { each.locale = 'de'; });
  await widget.inside.locator('html[lang=de]').waitFor();
  await widget.shows('pin');
  assert.equal(await widget.inside.locator('#pin h1').textContent(), words('pin-title', { operator: acme, locale: 'de' }));
  assert.deepEqual(asked, [], 'no second code is sent');
});

test('a base of the page does not change where the customer returns', async stage => {
  const customer = await stage.customer();
  await openDashboardPage(customer, `<base href="https://evil.example/">${loader}${element()}`);
  await new Widget(customer.page, acme).shows('number');
  const frame = new URL(await customer.page.locator('pay-on-bill iframe').getAttribute('src'));
  assert.equal(frame.searchParams.get('return-url'), customer.page.url());
});

test('a language without words falls back, with a warning', async stage => {
  const customer = await stage.customer();
  customer.announce('refusals#locale');
  await openDashboardPage(customer, loader + element('offer="netflix-standard" locale="tlh"'));
  const widget = new Widget(customer.page, acme);
  await widget.shows('number');
  assert.equal(await widget.inside.locator('html').getAttribute('lang'), 'en');
});

const frame = sandbox => `<iframe id="frame" sandbox="${sandbox}" style="width: 30rem; height: 60rem"
  src="${edge}/widget/v1/frame?operator=acme&offer=netflix-standard"></iframe>`;

for (const [lacking, sandbox] of [['allow-forms', 'allow-scripts allow-same-origin'], ['allow-same-origin', 'allow-scripts allow-forms']]) {
  test(`a sandbox without ${lacking} is told of it`, async stage => {
    const customer = await stage.customer();
    customer.announce('400 /widget/v1/frame', `refusals#lacks-${lacking}`);
    // The browser has a sentence of its own on the form that is tried.
    if (lacking === 'allow-forms') customer.announce(/Blocked form submission/);
    await openDashboardPage(customer, `<script>
      window.heard = [];
      addEventListener('message', ({ data }) => heard.push(data.code));
    </script>${frame(sandbox)}`);
    await customer.page.waitForFunction(code => globalThis.heard.includes(code), `lacks-${lacking}`);
    await customer.page.frameLocator('#frame').getByRole('heading', { name: 'This service is not set up on this page' }).waitFor();
  });
}

test('a sandbox without top navigation is told of it, and the step can be taken again', async stage => {
  const customer = await stage.customer();
  customer.announce('refusals#lacks-allow-top-navigation', /navigation/);
  await openDashboardPage(customer, frame('allow-scripts allow-same-origin allow-forms'));
  const widget = new Widget(customer.page, acme, '#frame');
  await widget.proveWith(noor, await phone(acme, noor));
  await widget.$('confirm-submit').click();
  await widget.shows('opening');
  await widget.inside.locator('#partner-link[target=_blank]').waitFor();
  const title = widget.$('agreed-title');
  assert.equal(await title.textContent(), words('opening-title', { operator: acme }), 'it no longer asks to agree');
  // As the browser brings back a page that it has kept.
  await widget.body.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await widget.shows('confirm');
  assert.equal(await title.textContent(), agreementWord('title'));
});

test('a button to a page of yours opens a tab in a sandbox without top navigation, and says what is lacking', async stage => {
  const customer = await stage.customer();
  const { context, page } = customer;
  customer.announce('400 /widget/v1/account/validate', 'refusals#lacks-allow-top-navigation', /navigation/);
  customer.announce(/can escape its sandboxing/);
  await openDashboardPage(customer, frame('allow-scripts allow-same-origin allow-forms allow-popups'));
  const url = `${edge}/widget/v1/refusals`;
  const wayOn = { kind: 'top-up', url, label: answerWords('en')['top-up'] };
  await page.route(`${edge}/widget/v1/account/validate`, route => route.fulfill({
    status: 400, json: { code: 'insufficient-balance', message: 'Made up.', words: answerWords('en'), wayOn },
  }));
  const widget = new Widget(page, acme, '#frame');
  await widget.enter(stillNobody);
  await widget.shows('error', 'insufficient-balance');
  const opened = context.waitForEvent('page');
  await widget.$('message-primary').click();
  await (await opened).waitForURL(url);
});
