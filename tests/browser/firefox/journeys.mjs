// The core journeys in Firefox: what its own ways with focus, keys, storage and frames could break. All others are in stories/,
// in Chromium. `cargo xtask test browser --firefox` runs these alone, against a system of their own.

import assert from 'node:assert/strict';
import { acme, netflix, nova } from '../harness/system.mjs';
import { until } from '../harness/until.mjs';
import { phone } from '../pages/dashboard.mjs';
import { summary, words, written } from '../pages/words.mjs';
import { ana, ben, dora, fran } from '../people.mjs';

const BLOCKS_STORAGE = { 'network.cookie.cookieBehavior': 2 };

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

      await tab.page.has('#verdict[data-signature=valid][data-outcome=success]');
      await tab.widget.shows('success');
      assert.ok(!(await tab.page.ask(() => location.href)).includes('onbill_result'));
      assert.deepEqual(await pairs(tab.widget, '#message-rows'), summary({ operator: acme, price: '$15.99' }));
      const { pays } = await netflix.account('ana@example.com');
      assert.deepEqual([pays.how, pays.operator], ['bill', 'acme']);
    },
  },
  {
    title: 'a customer whom the dashboard vouches for needs no code',
    async act(tab) {
      await tab.goto(`${acme.dashboard}/`);
      await tab.page.has('#who');
      await tab.page.ask((msisdn) => { document.querySelector('#who').value = msisdn; }, ben);
      await tab.page.click('#log-in button');
      await tab.page.has('#line');
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

/** Pairs of label and text in a list. */
async function pairs(widget, list) {
  const read = list => JSON.stringify([...document.querySelectorAll(`${list} > div`)]
    .map(({ children }) => [...children].map(each => each.textContent)));
  return JSON.parse(await widget.ask(read, list));
}
