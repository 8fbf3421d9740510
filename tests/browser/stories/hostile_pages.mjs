// A dashboard into whose page others can write: elements named like the browser's own properties, an address that is
// signed, a copy of the session. The pages are the operator's by their address, and are written here.

import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, netflix } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { Widget } from '../pages/widget.mjs';
import { noor } from '../people.mjs';

about('hostile pages');

/** Opens a page at an address of Acme's, with `html` before the widget. */
async function opened({ context, announce }, html = '', rest = '') {
  announce('404 /written');
  const page = await context.newPage();
  const body = `<!doctype html><html lang="en"><title>Acme</title><link rel="icon" href="data:,">${html}
    <script src="${edge}/widget/v1/onbill.js"></script><pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>`;
  // The dashboard answers by itself, and the page is written over its answer: a browser lets a page that no machine has
  // sent load nothing from this one.
  await page.goto(`${acme.dashboard}/written${rest}`);
  await page.setContent(body);
  return { page, widget: new Widget(page, acme) };
}

/** The dashboard's word on Noor's number. */
async function assertion(page) {
  await new Dashboard(page, acme).logIn(noor);
  return page.evaluate(async () => (await (await fetch('/session')).json()).session);
}

const give = (page, word) => page.evaluate(word => { document.querySelector('pay-on-bill').session = word; }, word);

test('an image named like the script does not say where the edge is', async stage => {
  const customer = await stage.customer();
  await customer.context.route(`${netflix.url}/picture.svg`, route => route.fulfill({ contentType: 'image/svg+xml', body: '<svg xmlns="http://www.w3.org/2000/svg"/>' }));
  const { page, widget } = await opened(customer, `<img name="currentScript" src="${netflix.url}/picture.svg">`);
  await widget.shows('number');
  assert.equal(await page.evaluate(() => document.currentScript.tagName), 'IMG', 'the page answers in the browser’s place');
  const address = await page.evaluate(() => document.querySelector('pay-on-bill').shadowRoot.querySelector('iframe').src);
  assert.equal(new URL(address).origin, edge);
});

test('only the result is taken out of the page’s address', async stage => {
  const customer = await stage.customer();
  customer.announce('400 /widget/v1/result');
  for (const [before, after] of [
    ['?q=a%20b&flag&sig=abc%2Bdef==&bad=%E9&onbill_result=x#/spa?x=1', '?q=a%20b&flag&sig=abc%2Bdef==&bad=%E9#/spa?x=1'],
    ['?onbill_result=x&&onbill_results=1', '?&onbill_results=1'],
    ['?onbill_result=x', ''],
  ]) {
    const { page, widget } = await opened(customer, '', before);
    await widget.shows('error', 'token-invalid');
    assert.equal(page.url(), `${acme.dashboard}/written${after}`);
  }
});

test('the session is said to the frame alone, and never aloud', async stage => {
  const customer = await stage.customer();
  const word = await assertion(customer.page);
  const { page, widget } = await opened(customer);
  await widget.shows('number');
  await widget.body.evaluate(() => {
    globalThis.heard = [];
    addEventListener('message', ({ data }) => heard.push(JSON.stringify(data)));
  });
  await give(page, word);
  await until('the number is filled in', () => widget.$('msisdn').inputValue());
  await page.evaluate(() => { document.querySelector('pay-on-bill').className = 'changed'; });
  const heard = await until('the frame hears of the new look', async () => {
    const heard = await widget.body.evaluate(() => globalThis.heard);
    return heard.length > 0 && heard;
  });
  assert.ok(!heard.some(each => each.includes(word)), heard.join());
});

test('a copy of the session is worth nothing to another frame', async stage => {
  const customer = await stage.customer();
  customer.announce('409 /widget/v1/account/validate');
  const word = await assertion(customer.page);
  const first = await opened(customer);
  const second = await opened(customer);
  for (const { page, widget } of [first, second]) {
    await widget.shows('number');
    await give(page, word);
    await until('the number is filled in', () => widget.$('msisdn').inputValue());
    await widget.$('number-submit').click();
  }
  await first.widget.shows('confirm');
  await second.widget.shows('pin');
});
