// Back from the partner by the browser's own button, in a browser that has kept the page as it was left. Firefox does the same
// (firefox/journeys.mjs).

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { launch } from '../harness/browser.mjs';
import { openDashboardPage } from '../harness/dashboard_page.mjs';
import { Visitor } from '../harness/gallery.mjs';
import { acme, edge, netflix } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';

about('the back button');

// What a page hears outlives the trip: it is kept as a whole.
const PAGE = `<script src="${edge}/widget/v1/onbill.js"></script><pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>
  <script>
    window.steps = [];
    window.returns = 0;
    document.querySelector('pay-on-bill').addEventListener('step', ({ detail }) => steps.push(detail.step));
    addEventListener('pageshow', ({ persisted }) => { if (persisted) returns += 1; });
  </script>`;

test('brings back a page that was kept, at the step before the partner', async stage => {
  const browser = await launch({ keepsPages: true });
  try {
    const customer = await stage.customer({ browser });
    const { page } = customer;
    await openDashboardPage(customer, PAGE);
    await new Visitor(page, acme, 'en').signsUpWith({ url: `${netflix.url}/` });
    await page.waitForURL(`${netflix.url}/`);
    // The page that asks goes away, and may take its answer with it.
    await page.evaluate(() => history.back()).catch(() => {});
    const heard = () => page.evaluate(() => [globalThis.returns, ...globalThis.steps || []]).catch(() => []);
    await until('the step is there again', async () => (await heard()).at(-1) === 'confirm');
    assert.deepEqual(await heard(), [1, 'number', 'confirm', 'opening', 'confirm']);
  } finally {
    await browser.close();
  }
}, { when: 'beside' });
