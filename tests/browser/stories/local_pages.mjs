// The local system's own pages as somebody meets them who tries onbill: on a phone, with the calls to copy, and with every
// state of the widget. After the stories in which somebody has left: an ended account is looked at.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { acme, edge, netflix, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { Widget } from '../pages/widget.mjs';
import { ana } from '../people.mjs';

about('the local system’s pages');

/** What a small phone shows under its browser's bars without scrolling, in pixels. */
const FIRST_SCREEN = 640;
/** The least height of what can be clicked. */
const LINE = 44;
/** Three lines and the space around them. */
const HEADER_MAX = 160;

test('the first screen of a phone has the widget’s field', async stage => {
  for (const operator of [acme, nova]) {
    const { page } = await stage.customer({ viewport: PHONE });
    const widget = await new Dashboard(page, operator).open();
    const field = await widget.$('msisdn').boundingBox();
    assert.ok(field.y + field.height <= FIRST_SCREEN, `${operator.name}: the field ends at ${field.y + field.height}`);
  }
  const { page } = await stage.customer({ viewport: PHONE });
  await new Dashboard(page, acme).logIn(ana);
  const { y } = await page.locator('pay-on-bill').boundingBox();
  assert.ok(y <= FIRST_SCREEN / 2, `the widget of somebody who is signed in begins at ${y}`);
});

test('header and titles fit a phone', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  await new Dashboard(page, acme).logIn(ana);
  for (const url of [
    ...['/', '/subscriptions', '/plans', '/coupons', '/playground'].map(path => acme.dashboard + path), acme.page('bill', ana),
    ...['/', '/app', '/accounts', '/billing-runs', '/charges'].map(path => netflix.url + path),
  ]) {
    await page.goto(url);
    const { height } = await page.locator('body > header').boundingBox();
    assert.ok(height <= HEADER_MAX, `${url}: the header is ${height} high`);
    const [menu, room] = await page.locator('nav').first().evaluate(nav => [nav.scrollWidth, nav.clientWidth]);
    assert.ok(menu <= room, `${url}: the menu is ${menu} px wide where there are ${room}`);
    const cut = await page.locator('h1, h2, h3').evaluateAll(titles =>
      titles.filter(title => title.scrollWidth > title.clientWidth + 1).map(title => title.textContent));
    assert.deepEqual(cut, [], url);
    const broken = await page.locator('nav a').evaluateAll(links => links.map(link => link.firstChild).filter(text => {
      const range = document.createRange();
      range.selectNodeContents(text);
      return range.getClientRects().length > 1;
    }).map(text => text.data));
    assert.deepEqual(broken, [], url);
    await fits(page, url);
  }
});

test('the operator’s header is one line on a computer, and its widget ends with its card', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const { height } = await page.locator('body > header').boundingBox();
  assert.ok(height < 2 * LINE, `the header is ${height} high`);
  await widget.shows('number');
  const [element, frame] = [await page.locator('pay-on-bill').boundingBox(), await page.locator('pay-on-bill iframe').boundingBox()];
  assert.equal(element.height, frame.height, 'nothing of the element is below its frame');
});

test('a page that is not there is a page, and edge and origin say what they are', async stage => {
  const { page, announce } = await stage.customer({ viewport: PHONE });
  announce('404 /nothing', '404 /bill');
  for (const url of [`${acme.dashboard}/nothing`, `${netflix.url}/nothing`, `${acme.dashboard}/bill?msisdn=1`]) {
    assert.equal((await page.goto(url)).status(), 404);
    await page.getByRole('heading', { name: 'There is nothing here' }).waitFor();
    await accessible(page, url);
    await fits(page, url);
  }
  for (const [url, name] of [[edge, 'onbill edge'], [acme.origin, 'onbill origin']]) {
    assert.equal((await page.goto(`${url}/`)).status(), 200);
    await page.getByRole('heading', { name }).waitFor();
    await fits(page, url);
    const program = await fetch(`${url}/`);
    assert.deepEqual([program.status, (await program.json()).code], [404, 'not-found']);
  }
});

test('the ready-made call beside an id is copied', async stage => {
  const { context, page } = await stage.customer({ viewport: PHONE });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: netflix.url });
  const { charges: [charge] } = await netflix.charges();
  await page.goto(`${netflix.url}/charges`);
  const button = page.locator(`[data-ext-transaction="${charge.extTransactionID}"] > .copy`);
  await button.click();
  await button.getByText('Copied').waitFor();
  const call = await page.evaluate(() => navigator.clipboard.readText());
  assert.ok(call.startsWith(`cargo xtask call GET /ott/v1/transaction/${charge.extTransactionID}`), call);
  await button.getByText('Copy the call').waitFor();
});

test('an ended account has no badge, and nothing is left of a declined charge', async stage => {
  const { page } = await stage.customer();
  const { accounts } = await netflix.accounts();
  const [ended] = accounts.filter(({ pays }) => pays.reported?.state === 'CLOSED');
  assert.ok(ended, 'somebody has left');
  await page.goto(`${netflix.url}/accounts`);
  const card = page.locator(`[data-account="${ended.accountID}"]`);
  assert.equal(await card.locator('.chip').count(), 0);
  await card.getByText('Ended', { exact: true }).waitFor();

  const { charges } = await netflix.charges();
  const declined = charges.find(({ reported }) => reported?.status === 'DECLINED');
  assert.equal(declined.remaining.value, 0);
  await page.goto(`${netflix.url}/charges`);
  const line = page.locator(`[data-ext-transaction="${declined.extTransactionID}"]`);
  await line.getByText('Declined').waitFor();
  assert.equal(await line.getByText('Not refunded').count(), 0);
});

const playground = (page, state, query = '') => page.goto(`${acme.dashboard}/playground?state=${state}${query}`);

test('the playground brings the widget to its states', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/result', '400 /widget/v1/account/validate');
  const widget = new Widget(page, acme);
  for (const outcome of ['success', 'pending', 'cancelled']) {
    await playground(page, outcome);
    await widget.shows(outcome);
  }
  for (const [state, code] of [['expired', 'token-expired'], ['forged', 'token-invalid']]) {
    await playground(page, state);
    await widget.shows('error', code);
  }
  for (const [state, code] of [['low-balance', 'insufficient-balance'], ['suspended', 'suspended-non-payment']]) {
    await playground(page, state);
    await widget.shows('number');
    await until('the page vouches for the number', () => widget.$('typing').isHidden());
    await widget.$('number-submit').click();
    await widget.shows('error', code);
  }
});

test('the playground changes language, width and look', async stage => {
  const { page } = await stage.customer();
  const widget = new Widget(page, acme);
  await playground(page, 'number');
  await widget.shows('number');
  await page.locator('#locale').selectOption('ar');
  await page.waitForURL(/locale=ar/);
  await widget.shows('number');
  assert.equal(await widget.inside.locator('html').getAttribute('lang'), 'ar');

  await page.locator('#width').selectOption('280');
  await until('the widget is narrow', async () => (await page.locator('pay-on-bill').boundingBox()).width <= 280);

  await page.locator('.looks summary').click();
  await page.locator('#look-accent').fill('#b4235a');
  const button = () => widget.$('number-submit').evaluate(each => getComputedStyle(each).backgroundColor);
  await until('the button has the accent', async () => await button() === 'rgb(180, 35, 90)');
  assert.match(await page.locator('#looks-sheet').textContent(), /--onbill-accent: #b4235a;/);
  await accessible(page, 'playground', { frames: [page.mainFrame()] });
});
