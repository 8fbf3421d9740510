// The widget and the pages around it for people without a mouse, without sight, with a small screen, and in languages
// that are long or run from right to left.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { walk } from '../harness/gallery.mjs';
import { tabTo } from '../harness/keyboard.mjs';
import { acme, edge, netflix } from '../harness/system.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { LANGUAGES, words } from '../pages/words.mjs';
import { ana, kim } from '../people.mjs';

about('accessibility');

/** The widget's frame alone: the dashboard around it is the same for all states. */
const frameOf = page => page.frames().filter(frame => frame.parentFrame());

test('axe finds nothing serious on any state of the widget, light and from left to right', async stage => {
  const customer = await stage.customer({ colorScheme: 'light' });
  await walk(customer, {}, async (name, { body }) => {
    await accessible(customer.page, name, { frames: frameOf(customer.page) });
    assert.equal(await body.evaluate(() => document.getAnimations().length), 0, `${name} moves, though asked not to`);
  });
}, { seconds: 900, when: 'beside' });

test('axe finds nothing serious on any state of the widget, dark, small and from right to left', async stage => {
  const customer = await stage.customer({ colorScheme: 'dark', viewport: PHONE });
  await walk(customer, { locale: 'ar', theme: 'plain' }, async (name, { body }) => {
    assert.equal(await body.evaluate(() => getComputedStyle(document.documentElement).direction), 'rtl');
    assert.ok(await body.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches));
    await accessible(customer.page, name, { frames: frameOf(customer.page) });
    await fits(customer.page, name);
  });
}, { seconds: 900, when: 'beside' });

test('each language is spoken, in its own direction, on a small phone', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  for (const locale of LANGUAGES) {
    const widget = await new Dashboard(page, acme).open(`?locale=${locale}`);
    assert.deepEqual(
      await widget.inside.locator('html').evaluate(({ lang, dir }) => [lang, dir]),
      [locale, locale === 'ar' ? 'rtl' : 'ltr'],
    );
    assert.equal(await widget.inside.locator('#number h1').textContent(), words('number-title', { operator: acme, locale }));
    await fits(page, locale);
  }
});

test('the operator’s and the partner’s pages pass as well, and fit a phone', async stage => {
  for (const options of [{ colorScheme: 'light' }, { colorScheme: 'dark', viewport: PHONE }]) {
    const { page } = await stage.customer(options);
    await new Dashboard(page, acme).logIn(ana);
    for (const url of [
      ...['/', '/subscriptions', '/bare', '/done', '/plans', '/coupons', '/sms', '/bill', '/playground', '/top-up']
        .map(path => acme.dashboard + path),
      acme.page('sms', ana), acme.page('bill', ana),
      ...['/', '/app', '/redeem', '/member', '/accounts', '/billing-runs', '/charges'].map(path => netflix.url + path),
      `${edge}/`, `${acme.origin}/`,
    ]) {
      await page.goto(url);
      // The widget's frame has its title as soon as it is there.
      await page.waitForFunction(() => [...document.querySelectorAll('pay-on-bill')]
        .every(({ shadowRoot }) => shadowRoot?.querySelector('iframe[title]')));
      await accessible(page, url, { frames: [page.mainFrame()] });
      await fits(page, url);
    }
  }
});

test('the whole journey by keyboard, on a phone; the focus goes to each step’s heading, or into its field for the code', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.open();
  const hers = await phone(acme, kim);
  await tabTo(page, widget.$('msisdn'));
  await page.keyboard.type('202 555 0103');
  await page.keyboard.press('Enter');
  await widget.shows('pin');
  await widget.inside.locator('#code:focus').waitFor();
  await fits(page, 'pin');

  // Back to the number and forth again, by the buttons.
  await tabTo(page, widget.$('change-number'));
  await page.keyboard.press('Enter');
  await widget.shows('number');
  await widget.headingHasFocus();
  await hers.code();
  await tabTo(page, widget.$('number-submit'));
  await page.keyboard.press('Space');
  await widget.shows('pin');
  await page.keyboard.type(await hers.code());      // into the field, which has the focus
  await page.keyboard.press('Enter');
  await widget.shows('confirm');
  await widget.headingHasFocus();
  await widget.agreesTo({ line: '202 555 0103', price: '$15.99', type: 'prepaid' });
  await tabTo(page, widget.$('confirm-submit'));
  await page.keyboard.press('Enter');

  await new SignUp(page).opens();
  await fits(page, 'sign-up');
  await tabTo(page, page.locator('#new-email'));
  await page.keyboard.type('kim@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type('a long password');
  await page.keyboard.press('Tab');
  await page.keyboard.press('Space');
  await page.keyboard.press('Enter');
  await page.locator('#all-set').waitFor();
  await tabTo(page, page.locator('#continue'));
  await page.keyboard.press('Enter');
  await dashboard.isBack('success');
  await tabTo(page, widget.$('message-primary'));
});

test('what happens is said to a screen reader where the focus does not say it', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/account/validate');
  const widget = await new Dashboard(page, acme).open();
  await widget.enter('not a number');
  await widget.complains('number', 'invalid-request', 'msisdn');
  const field = widget.$('msisdn');
  const described = (await field.getAttribute('aria-describedby')).split(' ');
  assert.ok(described.includes('msisdn-error'));
  assert.equal(await widget.$('msisdn-error').getAttribute('role'), 'alert');
  assert.equal(await widget.$('status').getAttribute('role'), 'status');
  const arabic = await new Dashboard(page, acme).open('?locale=ar');
  await arabic.shows('number');
  // The frame has the title of its document, whose names are isolated from the direction of the text around them.
  const title = await page.locator('pay-on-bill iframe[title]').getAttribute('title');
  assert.equal(title, await arabic.body.evaluate(() => document.title));
  assert.equal(title.replace(/[\u2068\u2069]/g, ''), 'Netflix عبر Acme Mobile');
});
