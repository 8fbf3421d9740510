// The partner's app on a device: which SIM is in it, and what is on its screen.

import assert from 'node:assert/strict';
import { netflix } from '../harness/system.mjs';

export class App {
  constructor(page) { this.page = page; }

  /** Puts the SIM with one of the operator's demo numbers into a new device, and opens the app. */
  async with(operator, msisdn) {
    await this.page.goto(`${netflix.url}/app`);
    await this.page.locator(`button[name=sim][value="${operator.id}-${operator.numbers.indexOf(msisdn) + 1}"]`).click();
    await this.#isOpen();
    return this;
  }

  /** The same with any number and network. */
  async withTyped(msisdn, network) {
    await this.page.goto(`${netflix.url}/app`);
    await this.page.locator('#msisdn').fill(msisdn);
    await this.page.locator('#network').fill(network);
    await this.page.locator('#own-sim button').click();
    await this.#isOpen();
    return this;
  }

  async #isOpen() {
    await this.page.waitForURL(`${netflix.url}/app/*`);
    await this.page.locator('#screen').waitFor();
  }

  /** Waits for a screen by its name, or for one that stops by its reason. */
  async shows(name) {
    try {
      await this.page.locator(`#screen[data-stop="${name}"], #screen[data-screen="${name}"]`).waitFor();
    } catch (cause) {
      const seen = await this.page.locator('#screen').evaluate(({ dataset }) => JSON.stringify(dataset), null, { timeout: 1000 })
        .catch(() => 'nothing');
      throw new Error(`the app should show ${name} and shows ${seen}`, { cause });
    }
  }

  button(act) {
    return this.page.locator(`#${act}-form button[type=submit]`);
  }

  /** Taps the button of that name as often as said, and waits for the screen that follows. */
  async tap(act, { clicks = 1 } = {}) {
    await Promise.all([this.page.waitForEvent('framenavigated'), this.button(act).click({ clickCount: clicks })]);
  }

  async enterCode(code) {
    await this.shows('code');
    await this.page.locator('#code').fill(code);
    await this.tap('code');
  }

  /** A new account on the bill. */
  createAccount(email, options) {
    return this.#send('new', email, 'a long password', options);
  }

  /** Logs in to an account that is paid by card, to move it. The password is the demo's. */
  async moveAccount(email, options) {
    await this.page.getByText('I have an account').click();
    return this.#send('existing', email, 'demo', options);
  }

  async #send(form, email, password, options) {
    await this.shows('account');
    await this.page.locator(`#${form}-email`).fill(email);
    await this.page.locator(`#${form}-password`).fill(password);
    await this.page.locator(`#${form}-terms`).check();
    await this.tap(form, options);
  }

  /** What the screen says. */
  text() {
    return this.page.locator('#screen').innerText();
  }

  /** What the app's server has asked of onbill: path and answer of each call. */
  async calls() {
    const calls = await this.page.locator('#calls li').all();
    return Promise.all(calls.map(async call => [await call.locator('code').innerText(), await call.locator('strong').innerText()].join(' ')));
  }

  /** Closes the app and opens it again: all is as it was. */
  async reopen() {
    const before = await this.text();
    await this.page.getByRole('link', { name: 'Open the app again' }).click();
    assert.equal(await this.text(), before);
  }
}
