// A dashboard into whose page others can write: elements named like the browser's own properties, an address that is
// signed, a copy of the session. Each test writes into a page that the dashboard serves.

import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { openDashboardPage } from '../harness/dashboard_page.mjs';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, netflix } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { Widget } from '../pages/widget.mjs';
import { noor } from '../people.mjs';

about('hostile pages');

/** Opens the dashboard's page without the loader, and puts `html`, the element and the loader into it. */
async function openWrittenPage({ context }, html = '') {
  const page = await context.newPage();
  await page.goto(`${acme.dashboard}/bare`);
  await page.evaluate(written => { document.body.innerHTML = written; },
    `${html}<pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>`);
  await page.addScriptTag({ url: `${edge}/widget/v1/onbill.js` });
  return { page, widget: new Widget(page, acme) };
}

/** Logs Noor in, and fetches the dashboard’s session assertion of her number. */
async function fetchAssertion(page) {
  await new Dashboard(page, acme).logIn(noor);
  return page.evaluate(async () => (await (await fetch('/session')).json()).session);
}

const giveSession = (page, session) => page.evaluate(session => { document.querySelector('pay-on-bill').session = session; }, session);

test('an image named like the script does not say where the edge is', async stage => {
  const customer = await stage.customer();
  customer.announce(/img-src/, 'csp /picture.svg');
  const { page, widget } = await openWrittenPage(customer, `<img name="currentScript" src="${netflix.url}/picture.svg">`);
  await widget.shows('number');
  assert.equal(await page.evaluate(() => document.currentScript.tagName), 'IMG', 'the page answers in the browser’s place');
  const address = await page.evaluate(() => document.querySelector('pay-on-bill').shadowRoot.querySelector('iframe').src);
  assert.equal(new URL(address).origin, edge);
});

test('elements named like the browser’s own properties change nothing', async stage => {
  const names = ['currentScript', 'customElements', 'documentElement', 'createElement', 'querySelector', 'location', 'history',
    'origin', 'parent', 'defaultView'];
  const customer = await stage.customer();
  const { page } = customer;
  const elements = names.map(name => `<img name="${name}"><form name="${name}"></form>`).join('');
  await openDashboardPage(customer, `${elements}<script src="${edge}/widget/v1/onbill.js"></script>
    <pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>`);
  // The browser's driver would look for the frame in the page, where it would be misled too.
  const frame = await until('the frame is there', () => page.frames().find(each => each.url().startsWith(`${edge}/widget/v1/frame?`)));
  await frame.locator('body[data-state=number]').waitFor({ state: 'attached' });
  assert.equal(await page.evaluate(() => typeof document.createElement), 'object', 'the page answers in the browser’s place');
});

test('only the result is taken out of the page’s address', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/result');
  const widget = new Widget(page, acme);
  for (const [before, after] of [
    ['?q=a%20b&flag&sig=abc%2Bdef==&bad=%E9&onbill_result=x#/spa?x=1', '?q=a%20b&flag&sig=abc%2Bdef==&bad=%E9#/spa?x=1'],
    ['?onbill_result=x&&onbill_results=1', '?&onbill_results=1'],
    ['?onbill_result=x', ''],
  ]) {
    await page.goto(`${acme.dashboard}/${before}`);
    await widget.shows('error', 'token-invalid');
    assert.equal(page.url(), `${acme.dashboard}/${after}`);
  }
});

test('the session assertion goes to the frame alone', async stage => {
  const customer = await stage.customer();
  const session = await fetchAssertion(customer.page);
  const { page, widget } = await openWrittenPage(customer);
  await widget.shows('number');
  await widget.body.evaluate(() => {
    globalThis.heard = [];
    addEventListener('message', ({ data }) => heard.push(JSON.stringify(data)));
  });
  await giveSession(page, session);
  await until('the line can be picked', () => widget.$('typing').isHidden());
  await page.evaluate(() => { document.querySelector('pay-on-bill').className = 'changed'; });
  const heard = await until('the frame hears of the new look', async () => {
    const heard = await widget.body.evaluate(() => globalThis.heard);
    return heard.length > 0 && heard;
  });
  assert.ok(!heard.some(each => each.includes(session)), heard.join());
});

test('a copy of the session assertion proves nothing in another frame', async stage => {
  const customer = await stage.customer();
  customer.announce('409 /widget/v1/account/validate', 'refusals#session');
  const session = await fetchAssertion(customer.page);
  const first = await openWrittenPage(customer);
  const second = await openWrittenPage(customer);
  for (const { page, widget } of [first, second]) {
    await widget.shows('number');
    await giveSession(page, session);
    await until('the line can be picked', () => widget.$('typing').isHidden());
    await widget.$('number-submit').click();
  }
  await first.widget.shows('confirm');
  await second.widget.shows('pin');
});
