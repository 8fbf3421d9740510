// The partner's sign-up in a customer's browser.

import { netflix } from '../harness/system.mjs';

export class SignUp {
  constructor(page) { this.page = page; }

  /** Waits until the widget has taken the customer here. */
  async opens() {
    await this.page.waitForURL(`${netflix.url}/signup/**`);
    await this.page.locator('#new-form').waitFor();
    return this;
  }

  async #send(form, email, password) {
    await this.page.locator(`#${form}-email`).fill(email);
    await this.page.locator(`#${form}-password`).fill(password);
    await this.page.locator(`#${form}-terms`).check();
    await this.page.locator(`#${form}-submit`).click();
  }

  /** A new account on the bill. */
  createAccount(email) {
    return this.#send('new', email, 'a long password');
  }

  /** Logs in to an account that is paid by card, to move it. The password is the demo's. */
  moveAccount(email) {
    return this.#send('existing', email, 'demo');
  }

  /** From "You're all set" back to the operator. */
  async goBack() {
    await this.page.locator('#all-set').waitFor();
    await this.page.locator('#continue').click();
  }

  cancel() {
    return this.page.locator('#cancel').click();
  }
}
