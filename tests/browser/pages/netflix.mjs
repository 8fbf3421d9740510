// The partner's pages: sign-up in a customer's browser, and the list of charges for people at work.

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

/** One charge on the list. */
export class Charge {
  constructor(page, id) {
    this.page = page;
    this.card = page.locator(`#charges > li[data-ext-transaction="${id}"]`);
  }

  async open() {
    await this.page.goto(`${netflix.url}/charges`);
    await this.card.waitFor();
    return this;
  }

  /** Fills in the form and presses its button as often as said; gives the refund's place on the page that follows. */
  async giveBack(amount, reason, { clicks = 1 } = {}) {
    await this.card.getByText('Give money back').click();
    const name = await this.card.locator('.fold [name=extRefundID]').inputValue();
    await this.card.getByLabel('How much').fill(amount);
    await this.card.getByLabel('Why').fill(reason);
    await this.card.getByRole('button', { name: 'Give back' }).click({ clickCount: clicks });
    await this.page.waitForURL(`**/charges#refund-${name}`);
    return this.refund(name);
  }

  refund(name) {
    return this.card.locator(`[data-ext-refund="${name}"]`);
  }

  left() {
    return this.card.locator('[data-remaining]').textContent();
  }
}
