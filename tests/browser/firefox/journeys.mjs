// The core journeys in Firefox: what its own ways with focus, keys, storage and frames could break. All others are in stories/,
// in Chromium. `cargo xtask test browser --firefox` runs these alone, against a system of their own.

import assert from 'node:assert/strict';
import { acme, edge, netflix, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { phone } from '../pages/dashboard.mjs';
import { summary, words, written } from '../pages/words.mjs';
import { ana, ben, dora, fran } from '../people.mjs';

const BLOCKS_STORAGE = { 'network.cookie.cookieBehavior': 2 };
/** A page of a test's own on the dashboard's site. */
const OWN_PAGE = `${acme.dashboard}/a-page-of-a-test`;
const ELEMENT = '<pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>';
const loader = `<script src="${edge}/widget/v1/onbill.js"></script>`;
const facts = async () => (await fetch(`${edge}/widget/v1/onbill.json`)).json();

async function logIn(tab, msisdn) {
  await tab.goto(`${acme.dashboard}/`);
  await tab.page.has('#who');
  await tab.page.ask(msisdn => { document.querySelector('#who').value = msisdn; }, msisdn);
  await tab.page.click('#log-in button');
  await tab.page.has('#line');
}

export const journeys = [
  {
    title: 'a new member signs up with a code, reloads in between, and comes back with a genuine result',
    async act(tab) {
      const hers = await phone(acme, ana);
      await tab.goto(`${acme.dashboard}/`);
      await tab.widget.shows('number');
      await tab.widget.fill('#msisdn', '(202) 555-0101');
      await tab.widget.pressEnter();
      await tab.widget.shows('pin');
      await tab.widget.has('#code:focus');
      const code = await hers.code();
      await tab.reload();
      await tab.widget.shows('pin');
      assert.equal((await acme.texts(ana)).length, 1, 'a reload sends no second message');
      await tab.widget.fill('#code', code);
      await tab.widget.pressEnter();
      await tab.widget.shows('confirm');
      await tab.widget.has('#agreed-title:focus');
      await tab.widget.click('#confirm-submit');

      await tab.page.has('#new-form');
      await tab.page.fill('#new-email', 'ana@example.com');
      await tab.page.fill('#new-password', 'a long password');
      await tab.page.click('#new-terms');
      await tab.page.click('#new-submit');
      await tab.page.has('#all-set');
      await tab.page.click('#continue');

      await tab.page.has('#result[data-signature=valid][data-outcome=success]');
      await tab.widget.shows('success');
      assert.ok(!(await tab.page.ask(() => location.href)).includes('onbill_result'));
      assert.deepEqual(await pairs(tab.widget, '#message-rows'), summary({ operator: acme, price: '$15.99' }));
      const { pays } = await netflix.account('ana@example.com');
      assert.deepEqual([pays.how, pays.operator], ['bill', 'acme']);
    },
  },
  {
    title: 'a member reads her own page, and what ending it means',
    async act(tab) {
      await logIn(tab, ana);
      await tab.goto(`${acme.dashboard}/subscriptions`);
      await tab.widget.shows('account');
      assert.equal(await tab.widget.text('#links h2'), 'Netflix Standard');
      await tab.widget.click('#links button');
      await tab.widget.shows('unlink');
      await tab.widget.has('#unlink-title:focus');
      await tab.widget.click('#unlink-no');
      await tab.widget.shows('account');
    },
  },
  {
    title: 'the back button brings a page back from the partner as it was left, and the step can be taken again',
    async act(tab) {
      // The Chromium of the other journeys, a headless shell, keeps no page that is left; there the event is made up.
      await tab.serve(OWN_PAGE, `${loader}${ELEMENT}<script>
        window.returns = 0;
        addEventListener('pageshow', ({ persisted }) => { if (persisted) returns += 1; });
        document.querySelector('pay-on-bill').session = async () => (await (await fetch('/session')).json()).session;
      </script>`);
      await logIn(tab, ben);
      await tab.goto(OWN_PAGE);
      await until('the widget offers the line', async () =>
        (await tab.widget.text('#number-submit'))?.includes(written(acme, ben)));
      await tab.widget.click('#number-submit');
      await tab.widget.shows('confirm');
      for (const returns of [1, 2]) {
        await tab.widget.click('#confirm-submit');
        await tab.page.has('#new-form');
        await tab.goBack();
        await until('the page is back', async () => await tab.page.ask(() => window.returns) === returns);
        await tab.widget.shows('confirm');
      }
    },
  },
  {
    title: 'a page with a strict policy, Trusted Types and integrity shows the widget; one with another hash does not',
    async act(tab) {
      const { url, integrity } = await facts();
      const script = hash => `<script src="${url}" integrity="${hash}" crossorigin="anonymous"></script>${ELEMENT}`;
      await tab.serve(OWN_PAGE, script(integrity), { 'content-security-policy':
        `default-src 'none'; script-src ${edge}; frame-src ${edge}; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'` });
      await tab.goto(OWN_PAGE);
      await tab.widget.shows('number');
      tab.announce('integrity');
      await tab.serve(`${OWN_PAGE}?other`, script(`sha256-${Buffer.alloc(32).toString('base64')}`));
      await tab.goto(`${OWN_PAGE}?other`);
      assert.equal(await tab.page.ask(() => String(customElements.get('pay-on-bill'))), 'undefined');
    },
  },
  {
    title: 'a refused frame is told, with a page in the customer’s language',
    async act(tab) {
      tab.announce('404 /widget/v1/frame', 'refusals#offer-not-served');
      await tab.serve(OWN_PAGE, `<script>
        window.heard = [];
        document.addEventListener('DOMContentLoaded', () => document.querySelector('pay-on-bill')
          .addEventListener('error', ({ detail }) => heard.push(detail.code)));
      </script>${loader}<pay-on-bill operator="acme" offer="none" locale="de"></pay-on-bill>`);
      await tab.goto(OWN_PAGE);
      await until('the page hears of it', async () => await tab.page.ask(() => window.heard.join()) === 'offer-not-served');
      assert.equal(await tab.widget.ask(() => document.documentElement.lang), 'de');
      assert.ok(await tab.widget.text('h1'));
    },
  },
  {
    title: 'long words of a narrow column break between syllables, by the rules of its language',
    async act(tab) {
      // Firefox has the rules of these languages by itself; the Chromium of these journeys has none.
      await tab.resize(280, 740);
      for (const [locale, breaks] of [['de', true], ['ar', false]]) {
        await tab.goto(`${acme.dashboard}/?locale=${locale}`);
        await tab.widget.shows('number');
        assert.equal(await tab.widget.ask(brokenThoughThereIsRoom) === 'broken', breaks, locale);
      }
    },
  },
  {
    title: 'a customer whom the dashboard vouches for needs no code',
    async act(tab) {
      await logIn(tab, ben);
      await until('the widget offers the line', async () =>
        (await tab.widget.text('#number-submit'))?.includes(written(acme, ben)));
      await tab.widget.click('#number-submit');
      await tab.widget.shows('confirm');
    },
  },
  {
    title: 'a number of another country and a wrong code are complained of where they were typed',
    async act(tab) {
      tab.announce('400 /widget/v1/account/validate', '/widget/v1/pin');
      const hers = await phone(acme, dora);
      await tab.goto(`${acme.dashboard}/`);
      await tab.widget.shows('number');
      await tab.widget.fill('#msisdn', '+34 612 345 601');
      await tab.widget.pressEnter();
      await tab.widget.shows('number', 'number-foreign');
      await tab.widget.has('#msisdn[aria-invalid=true]:focus');
      // The field is selected, so that what is typed now replaces the number.
      await tab.widget.type('(202) 555-0108');
      await tab.widget.pressEnter();
      await tab.widget.shows('pin');
      const code = await hers.code();
      await tab.widget.has('#code:focus');
      await tab.widget.type(String((Number(code) + 1) % 1e6).padStart(6, '0'));
      await tab.widget.pressEnter();
      await tab.widget.shows('pin', 'pin-invalid');
      assert.equal(await tab.widget.text('#code-error'), words('pin-invalid', { operator: acme }));
      await tab.widget.has('#code[aria-invalid=true]:focus');
    },
  },
  {
    title: 'where the browser stores nothing, the journey works, and a reload begins again',
    preferences: BLOCKS_STORAGE,
    async act(tab) {
      const hers = await phone(nova, fran);
      await tab.goto(`${nova.dashboard}/`);
      await tab.widget.shows('number');
      assert.equal(await tab.widget.ask(() => { try { return String(sessionStorage.length); } catch { return 'blocked'; } }), 'blocked');
      await tab.widget.fill('#msisdn', '612 345 602');
      await tab.widget.pressEnter();
      await tab.widget.shows('pin');
      await tab.widget.fill('#code', await hers.code());
      await tab.widget.pressEnter();
      await tab.widget.shows('confirm');
      await tab.reload();
      await tab.widget.shows('number');
    },
  },
];

/**
 * Whether a word that a line has room for stands on two lines, which only hyphens make it. The words are German in every
 * language: who has no rules for them, leaves them whole.
 */
function brokenThoughThereIsRoom() {
  const text = document.querySelector('#number [data-t=number-text]');
  text.textContent = 'Die Vertragslaufzeit, die Rechnungsadresse, die Telefonnummer, die Monatsrechnung.';
  const range = document.createRange();
  const isBroken = [...text.textContent.matchAll(/\p{L}{9,}/gu)].some(({ index, 0: word }) => {
    range.setStart(text.firstChild, index);
    range.setEnd(text.firstChild, index + word.length);
    const rects = [...range.getClientRects()];
    return rects.length > 1 && rects.reduce((sum, { width }) => sum + width, 0) < text.clientWidth;
  });
  return isBroken ? 'broken' : 'whole';
}

/** Pairs of label and text in a list. */
async function pairs(widget, list) {
  const read = list => JSON.stringify([...document.querySelectorAll(`${list} > div`)]
    .map(({ children }) => [...children].map(each => each.textContent)));
  return JSON.parse(await widget.ask(read, list));
}
