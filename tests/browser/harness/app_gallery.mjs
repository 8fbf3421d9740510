// Every screen of the app that the real system comes to without an outage, with the shortest way to it.

import { acme } from './system.mjs';
import { App } from '../pages/app.mjs';
import { ceased, noor, poor, suspended } from '../people.mjs';

const NOVA = '001-02';
const TRIES_MAX = 5;
const PINS_PER_DAY_MAX = 10;

/**
 * Shows each screen, one after the other, and calls `look(name)` at each. `stranger` is a number of Nova's network that is
 * nobody's and had no code today: all of them are used up. `member` pays on Acme's bill already.
 */
export async function walkApp(page, { stranger, member }, look) {
  const app = new App(page);
  const see = async name => { await app.shows(name); await look(name); };
  const offered = async msisdn => {
    await app.with(acme, msisdn);
    await app.tap('validate');
  };

  await app.withTyped('', '001-01');
  await see('other-ways');
  await app.with(acme, noor);
  await see('offer');
  await app.tap('validate');
  await see('account');
  await app.moveAccount('nobody@example.com');
  await page.locator('#existing-problem').waitFor();
  await look('account, wrong');
  for (const [msisdn, code] of [
    [ceased, 'account-not-found'], [suspended, 'suspended-non-payment'], [poor, 'insufficient-balance'], [member, 'done'],
  ]) {
    await offered(msisdn);
    await see(code);
  }

  await app.withTyped(stranger, NOVA);
  await app.tap('validate');
  await see('code');
  await app.enterCode('');
  await page.locator('#code-problem').waitFor();
  await look('code, missing');
  for (let attempt = 1; attempt < TRIES_MAX; attempt += 1) {
    await app.enterCode('000000');
    await page.locator('#code-problem').waitFor();
  }
  await app.enterCode('000000');
  await see('code-used-up');
  await app.tap('again');
  for (let code = 2; code <= PINS_PER_DAY_MAX; code += 1) {
    await app.shows('code');
    await app.tap('new-code');
  }
  await see('too-many-requests');
}
