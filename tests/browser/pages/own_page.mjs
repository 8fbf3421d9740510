// The customer's own page in the widget: what is linked, what was charged, and ending it.

import assert from 'node:assert/strict';
import { words } from './words.mjs';
import { Widget } from './widget.mjs';

export class OwnPage extends Widget {
  say(key, values) { return words(key, { operator: this.operator, ...values }); }

  /** Goes to the page of the dashboard that has it. */
  async open(query = '') {
    await this.page.goto(`${this.operator.dashboard}/subscriptions${query}`);
    return this;
  }

  /** From the number to the page by a text message to `phone`. */
  async proveWith(number, phone) {
    await this.enter(number);
    await this.shows('pin');
    await this.enterCode(await phone.code());
    await this.shows('account');
  }

  links() { return this.inside.locator('#links li'); }

  charges() { return this.inside.locator('#charges li'); }

  /** All that is said of the charge for these days but when it was made: what for, how much, how it stands, and so on. */
  async charge(period) {
    const lines = await this.charges().filter({ hasText: this.say('period', { period }) }).locator('> *').allTextContents();
    return lines.toSpliced(2, 1);
  }

  /** How each charge stands, the newest first. Those of one second are in any order. */
  statuses() {
    return this.charges().evaluateAll(items => items.map(({ dataset }) => dataset.status));
  }

  async unlinks(n = 0) {
    await this.links().nth(n).getByRole('button', { name: this.say('unlink') }).click();
    await this.shows('unlink');
  }

  async hasNothing() {
    await this.shows('account');
    assert.equal(await this.links().count() + await this.charges().count(), 0);
    assert.equal(await this.$('no-charges').textContent(), this.say('nothing'));
  }
}
