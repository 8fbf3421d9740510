// A page of a test's own on the operator's dashboard: the browser asks the dashboard for it and gets what the test has written.

import { acme } from './system.mjs';

const address = `${acme.dashboard}/a-page-of-a-test`;

/** Opens a page with this body on the dashboard's site, with these headers; `files` are scripts beside it, by their names. */
export async function openDashboardPage({ context, page }, body, { headers = {}, files = {}, lang = 'en', query = '' } = {}) {
  // The address of the customer's, which this suite sets, would make each request of a script a CORS request with a preflight.
  await context.setExtraHTTPHeaders({});
  // A page that no server has sent counts as one of the internet's, which may ask this machine for nothing.
  await context.grantPermissions(['local-network-access']);
  await page.route(`${address}*`, route => route.fulfill({
    headers: { 'content-type': 'text/html; charset=utf-8', ...headers },
    body: `<!doctype html><html lang="${lang}"><title>A page</title><link rel="icon" href="data:,">${body}`,
  }));
  for (const [name, script] of Object.entries(files)) {
    await page.route(`${acme.dashboard}/${name}`, route => route.fulfill({ contentType: 'text/javascript', headers, body: script }));
  }
  await page.goto(address + query);
}
