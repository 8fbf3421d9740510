// The operator's people at the console: they sign in with one click, and go from page to page.

import { acme } from '../harness/system.mjs';

export class Console {
  constructor(page) { this.page = page; }

  /** Signs in as the person with this name, at the simulated operator's identity provider. */
  async signIn(name) {
    await this.page.goto(`${acme.console}/`);
    await this.page.getByRole('link', { name }).first().click();
    await this.page.waitForURL(`${acme.console}/**`);
    await this.page.getByRole('button', { name: 'Sign out' }).waitFor();
    return this;
  }

  async open(path) {
    await this.page.goto(acme.console + path);
    await this.page.locator('h1').waitFor();
  }

  async lookUp(number) {
    await this.open('/care');
    await this.page.getByLabel('Telephone number').fill(number);
    await this.page.getByLabel('Reference').fill('T-4711');
    await this.page.getByRole('button', { name: 'Look up' }).click();
    await this.page.getByRole('heading', { name: 'What happened' }).waitFor();
  }

  /** The entry of a charge in what happened, by onbill's id of it. */
  entry(transactionID) {
    return this.page.locator('ol.timeline > li', { hasText: transactionID });
  }

  /** Refunds so much of a charge, and confirms it. */
  async refund(transactionID, amount, reference) {
    await this.askRefund(transactionID, amount, reference);
    await this.page.getByRole('button', { name: 'Refund', exact: true }).click();
  }

  /** The same, as far as the question. */
  async askRefund(transactionID, amount, reference) {
    const entry = this.entry(transactionID);
    await entry.getByText('Refund', { exact: true }).click();
    const form = entry.locator('form', { has: this.page.getByRole('button', { name: 'Refund…' }) });
    await form.getByLabel('Amount in').fill(amount);
    await form.getByLabel('Reason').fill('Asked by telephone');
    await form.getByLabel(/The operator’s/).check();
    await form.getByLabel('Reference').fill(reference);
    await form.getByRole('button', { name: 'Refund…' }).click();
    await this.page.getByRole('heading', { name: 'Refund this?' }).waitFor();
  }

  /** Opens a dispute about a charge, from the customer's page, and confirms it. */
  async dispute(transactionID, why, reference) {
    const entry = this.entry(transactionID);
    await entry.getByText('Open a dispute').click();
    const form = entry.locator('form[action="/disputes/open"]');
    await form.getByLabel('Why').selectOption({ label: why });
    await form.getByLabel('Reference').fill(reference);
    await form.getByRole('button', { name: 'Open the dispute…' }).click();
    await this.page.getByRole('heading', { name: 'Open this dispute?' }).waitFor();
    await this.page.getByRole('button', { name: 'Open the dispute', exact: true }).click();
    await this.page.getByRole('heading', { name: 'Dispute opened' }).waitFor();
  }
}
