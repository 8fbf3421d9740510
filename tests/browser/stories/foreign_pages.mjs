// Pages that are not the operator's: they cannot frame the widget, and what they say to it or to a dashboard is not
// heard. The foreign page is served here, at an address of its own.

import assert from 'node:assert/strict';
import http from 'node:http';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, nova } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { Widget } from '../pages/widget.mjs';

about('foreign pages');

/** A web server that answers this page to everything, for the time of `act`. */
async function withForeignPage(html, act) {
  const server = http.createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(`<!doctype html><title>Foreign</title>${html}`);
  });
  await new Promise(resolve => { server.listen(0, '127.0.0.1', resolve); });
  try {
    return await act(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const frame = (query = '') => `${edge}/widget/v1/frame?operator=acme&offer=netflix-standard${query}`;
const acmeAround = `&parent=${encodeURIComponent(acme.dashboard)}`;

/** Whether the frame shows anything of ours. */
const framed = async page => {
  const inner = page.frames().find(each => each.parentFrame() === page.mainFrame());
  return inner ? inner.locator('#card, main').count() : 0;
};

test('cannot frame the widget, with or without the loader', async stage => {
  const refused = [/frame-ancestors/i, 'ERR_BLOCKED_BY_RESPONSE /widget/v1/frame'];
  await withForeignPage(`<iframe src="${frame()}"></iframe>`, async url => {
    const { page, announce } = await stage.customer();
    announce(...refused);
    await page.goto(url);
    assert.equal(await framed(page), 0, 'with nothing to say who it is');
  });
  await withForeignPage(`<iframe src="${frame(acmeAround)}"></iframe>`, async url => {
    const { page, announce } = await stage.customer();
    announce(...refused);
    await page.goto(url);
    assert.equal(await framed(page), 0, 'with a lie about who it is');
  });
  const element = `<script src="${edge}/widget/v1/onbill.js"></script><pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>`;
  await withForeignPage(element, async url => {
    const { page, announce } = await stage.customer();
    announce('403 /widget/v1/frame', 'refusals#page-not-listed');
    // The loader says where it is, so that the edge does not even hand out the page, and says why.
    const [answer] = await Promise.all([page.waitForResponse('**/widget/v1/frame?*'), page.goto(url)]);
    assert.equal(answer.status(), 403);
    const { inside } = new Widget(page, acme);
    await inside.getByRole('heading', { name: 'This service is not set up on this page' }).waitFor();
    assert.equal(await inside.locator('input, button, a, form').count(), 0, 'there is nothing to be tricked into');
  });
});

test('one operator’s dashboard cannot frame the other’s widget', async stage => {
  const { page, announce } = await stage.customer();
  announce(/frame-ancestors/i, 'ERR_BLOCKED_BY_RESPONSE /widget/v1/frame');
  await new Dashboard(page, nova).open();
  await Promise.all([
    page.waitForEvent('requestfailed', request => request.url() === frame()),
    page.evaluate(src => {
      document.querySelector('pay-on-bill').replaceWith(Object.assign(document.createElement('iframe'), { src }));
    }, frame()),
  ]);
  assert.equal(await framed(page), 0);
});

/** The page that `page` opens and keeps a hold of. */
async function opensFrom(page, url) {
  const [opened] = await Promise.all([
    page.waitForEvent('popup'),
    page.evaluate(address => { globalThis.popup = open(address); }, url),
  ]);
  return opened;
}

test('are not heard by the frame, though they opened the page around it', async stage => {
  await withForeignPage('<button>Open</button>', async url => {
    const { page } = await stage.customer();
    await page.goto(url);
    const bare = await opensFrom(page, `${acme.dashboard}/bare`);
    const widget = new Widget(bare, acme, '#frame');
    await widget.shows('number');
    await widget.body.evaluate(() => { globalThis.heard = new Promise(resolve => { addEventListener('message', resolve); }); });
    await page.evaluate(() => {
      const claims = btoa(JSON.stringify({ numbers: ['+12025550101'] }));
      const init = { onbill: 1, type: 'init', session: `x.${claims}.x`, result: `x.${claims}.x`, theme: { background: '#ff0000' } };
      globalThis.popup[0].postMessage(init, '*');
    });
    await widget.body.evaluate(() => globalThis.heard);
    await widget.shows('number');
    assert.equal(await widget.$('msisdn').inputValue(), '');
    assert.equal(await widget.body.evaluate(() => document.documentElement.style.cssText), '');
  });
});

test('are not heard by the dashboard either: only the frame reports success', async stage => {
  await withForeignPage('<button>Open</button>', async url => {
    const { page } = await stage.customer();
    await page.goto(url);
    const dashboard = new Dashboard(await opensFrom(page, `${acme.dashboard}/`), acme);
    await dashboard.widget.shows('number');
    await dashboard.page.evaluate(() => {
      globalThis.heard = new Promise(resolve => { addEventListener('message', ({ data }) => data.type === 'exit' && resolve()); });
    });
    await page.evaluate(() => {
      for (const type of ['success', 'exit']) globalThis.popup.postMessage({ onbill: 1, type, outcome: 'success', result: 'x' }, '*');
    });
    await dashboard.page.evaluate(() => globalThis.heard);
    const events = await dashboard.events();
    assert.ok(!events.some(event => /success|exit/.test(event)), events.join());
    await dashboard.widget.shows('number');
  });
});
