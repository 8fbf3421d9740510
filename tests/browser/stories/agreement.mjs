// What the customer agrees to in the widget's last step: it is on the screen to the letter, it is what the origin keeps the hash
// of, and everybody can read it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { accessible } from '../harness/axe.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { walk } from '../harness/gallery.mjs';
import { about, test } from '../harness/suite.mjs';
import { acme, netflix } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { agreementWord, written } from '../pages/words.mjs';
import { dora } from '../people.mjs';

about('what is agreed');

/** How each language writes the price and a day for a customer in the US. */
const WRITTEN = {
  en: ['$15.99', 'May 18, 2027'],
  es: ['$15.99', '18 de mayo de 2027'],
  fr: ['15,99\u00a0$US', '18 mai 2027'],
  de: ['15,99\u00a0$', '18. Mai 2027'],
  ar: ['\u206815.99\u00a0US$\u2069', '\u206818 مايو 2027\u2069'],
};

/** Dora's last step on the running system, and the flow that she continues with. */
async function lastStep(stage, locale, options) {
  const { page } = await stage.customer(options);
  const dashboard = new Dashboard(page, acme);
  await dashboard.logIn(dora);
  if (locale !== 'en') await page.goto(`${acme.dashboard}/?locale=${locale}`);
  const { widget } = dashboard;
  await widget.shows('number');
  await widget.offersLines(dora);
  const answered = page.waitForResponse(/\/widget\/v1\/account\/validate$/);
  await widget.$('number-submit').click();
  const { flow } = await (await answered).json();
  await widget.shows('confirm');
  return { page, widget, flow };
}

test('the screen says to the letter what the origin keeps the hash of', async stage => {
  const { page, widget, flow } = await lastStep(stage, 'en');
  await widget.headingHasFocus();
  await widget.agreesTo({ line: dora, price: '$15.99', type: 'prepaid' });
  const hash = await widget.hashOfLastStep({ line: dora, price: '$15.99', kept: '15.99 USD' });
  assert.equal(flow.split('.')[2], hash);
  assert.ok(!page.url().includes(dora.slice(1)));
});

test('the terms are a page of the operator’s, and are the text that the origin has read', async stage => {
  const { page, widget } = await lastStep(stage, 'en');
  const opened = page.context().waitForEvent('page');
  await widget.inside.getByRole('link', { name: agreementWord('terms') }).click();
  const terms = await opened;
  const text = await terms.locator('#terms').textContent();
  const sha256 = bytes => createHash('sha256').update(bytes).digest('hex');
  assert.equal(sha256(text), sha256(fs.readFileSync(acme.terms)));
  await accessible(terms, 'the terms');
  await terms.goto(acme.agreement.privacyURL);
  await accessible(terms, 'the page about privacy');
  await widget.shows('confirm');
});

/** Lets the next sign-up come as if the customer had read other words: the flow says which. */
function changeWords(page) {
  return page.route(/\/widget\/v1\/signup$/, route => {
    const body = route.request().postDataJSON();
    const [secret, mark, words] = body.flow.split('.');
    return route.continue({ postData: JSON.stringify({ ...body, flow: [secret, mark, words.split('').reverse().join('')].join('.') }) });
  }, { times: 1 });
}

test('a customer whose words have changed is told so, reads them again, and goes on', async stage => {
  const { page, widget } = await lastStep(stage, 'en');
  await changeWords(page);
  await widget.$('confirm-submit').click();
  await widget.inside.locator('#agreed-notice', { hasText: agreementWord('changed') }).waitFor();
  await widget.agreesTo({ line: dora, price: '$15.99', type: 'prepaid' });
  await widget.headingHasFocus();
  await accessible(page, 'the last step again');
  await widget.$('confirm-submit').click();
  await page.waitForURL(`${netflix.url}/signup/**`);
});

test('a second tap accepts no words that the first one has brought', async stage => {
  const { page, widget } = await lastStep(stage, 'en');
  const signups = [];
  page.on('request', request => { if (/\/widget\/v1\/signup$/.test(request.url())) signups.push(request); });
  await changeWords(page);
  await widget.body.evaluate(() => new MutationObserver((_, observer) => {
    observer.disconnect();
    document.getElementById('confirm-submit').click();
  }).observe(document.getElementById('agreed-notice'), { childList: true }));
  await widget.$('confirm-submit').click();
  await widget.inside.locator('#agreed-notice', { hasText: agreementWord('changed') }).waitFor();
  await widget.shows('confirm');
  assert.equal(signups.length, 1);
  await widget.$('confirm-submit').click();
  await page.waitForURL(`${netflix.url}/signup/**`);
  assert.equal(signups.length, 2);
});

test('a double tap continues once', async stage => {
  const { page, widget } = await lastStep(stage, 'en');
  const signups = [];
  page.on('request', request => { if (/\/widget\/v1\/signup$/.test(request.url())) signups.push(request); });
  await widget.$('confirm-submit').dblclick();
  await page.waitForURL(`${netflix.url}/signup/**`);
  assert.equal(signups.length, 1);
});

test('a screen reader reads line, price, period and how to cancel, and what the button does', async stage => {
  const { widget } = await lastStep(stage, 'en');
  const tree = await widget.inside.locator('#confirm').ariaSnapshot();
  for (const said of [
    'heading "Check what you agree to" [level=1]', `definition: ${written(acme, dora)}`, 'definition: Netflix Standard',
    'definition: $15.99 per month, taxes included', 'definition: Shortly, or on your next billing day if you already pay Netflix',
    'definition: Every month until you cancel', 'definition: At Netflix or on your Acme Mobile page, at any time',
    'Nothing is charged before you finish there.', 'link "Terms"', 'link "Privacy"',
    'button "Agree and continue to Netflix"', 'button "Use another number"',
  ]) {
    assert.ok(tree.includes(said), `${said} in\n${tree}`);
  }
  const described = await widget.$('confirm-submit').getAttribute('aria-describedby');
  assert.match(await widget.$(described).textContent(), /^By continuing, you agree to these monthly charges/);
});

for (const [locale, [price, on]] of Object.entries(WRITTEN)) {
  test(`everything is there in ${locale}, on a small phone, with letters of twice the size`, async stage => {
    const customer = await stage.customer({ viewport: PHONE });
    const line = '+1 202 555 0177';
    const facts = {
      confirm: {}, 'confirm prepaid': { type: 'prepaid' }, 'confirm after a coupon': { date: '2027-05-18', on },
    };
    await walk(customer, { locale, words: 'confirm' }, async (name, widget) => {
      if (facts[name]) await widget.agreesTo({ line, price, locale, ...facts[name] });
      await fits(customer.page, `${locale} ${name}`);
      await widget.body.evaluate(() => { document.documentElement.style.fontSize = '32px'; });
      await fits(customer.page, `${locale} ${name} with large letters`);
      const cut = await widget.body.evaluate(body => [...body.querySelectorAll('#confirm *')]
        .filter(each => each.scrollWidth > each.clientWidth + 1 && getComputedStyle(each).display !== 'inline')
        .map(each => each.outerHTML));
      assert.deepEqual(cut, [], `${locale} ${name} with large letters`);
    });
  });
}
