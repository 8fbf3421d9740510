// The npm package in an app that is type-checked and bundled.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { about, test } from '../harness/suite.mjs';
import { openDashboardPage } from '../harness/dashboard_page.mjs';
import { acme, edge } from '../harness/system.mjs';
import { Widget } from '../pages/widget.mjs';

about('a bundled app');

const app = 'tests/browser/sample_app';

test('is what the strictest types of the package allow', async () => {
  await promisify(execFile)('node_modules/.bin/tsc', ['--project', app]).catch(({ stdout }) => assert.fail(stdout));
});

function takePackage(builder) {
  builder.onResolve({ filter: /^@onbill\/widget(\/react)?$/ }, ({ path: name }) => (
    { path: path.resolve('worker/npm', name.endsWith('/react') ? 'react.js' : 'index.js') }));
}

async function bundle() {
  const { outputFiles } = await build({
    entryPoints: [`${app}/app.tsx`], bundle: true, write: false, minify: true, format: 'iife', jsx: 'automatic', logLevel: 'silent',
    // React's strict mode does its work twice in development only.
    define: { 'process.env.NODE_ENV': '"development"' },
    plugins: [{ name: 'the package of this tree', setup: takePackage }],
  });
  return outputFiles[0].text;
}

test('shows the widget once in React’s strict mode, under a policy with Trusted Types', async stage => {
  const customer = await stage.customer();
  const { page } = customer;
  let frames = 0;
  page.on('request', request => { if (request.url().includes('/widget/v1/frame?')) frames += 1; });
  await openDashboardPage(customer, `<body data-edge="${edge}"><div id="root"></div><script src="/app.js"></script>`, {
    headers: {
      'content-security-policy': `default-src 'none'; script-src 'self' ${edge}; frame-src ${edge}; img-src data:; `
        + "require-trusted-types-for 'script'; trusted-types onbill",
    },
    files: { 'app.js': await bundle() },
  });
  const widget = new Widget(page, acme);
  await widget.shows('number');
  assert.equal(frames, 1);
  await page.locator('#events li', { hasText: 'step number' }).waitFor();
  assert.deepEqual(await page.locator('#events li').allTextContents(), ['ready', 'step number'], 'each event is heard once');

  await page.locator('#reset').click();
  await page.waitForFunction(() => document.querySelectorAll('#events li').length === 4);
  await widget.shows('number');
  customer.announce('404 /widget/v1/frame', 'refusals#offer-not-served');
  await page.locator('#other').click();
  await page.locator('#events li', { hasText: 'error offer-not-served' }).waitFor();
});
