// The operator's page of plans that are paid ahead, in a customer's browser; and the desk where its staff sees all coupons.

import assert from 'node:assert/strict';

/** A list of coupons, on either page. */
class Coupons {
  constructor(page, operator, path) {
    this.page = page;
    this.operator = operator;
    this.url = `${operator.dashboard}/${path}`;
  }

  async open() {
    await this.page.goto(this.url);
    await this.page.getByRole('heading', { level: 1 }).waitFor();
    return this;
  }

  card(id) {
    return this.page.locator(`#coupons > li[data-coupon="${id}"]`);
  }

  /** Waits until the card says so by itself: it follows what becomes of the coupon. */
  async shows(id, ...states) {
    const wanted = states.map(state => `#coupons > li[data-coupon="${id}"][data-state="${state}"]`).join(', ');
    try {
      await this.page.locator(wanted).waitFor();
    } catch (cause) {
      const seen = await this.card(id).getAttribute('data-state', { timeout: 1000 }).catch(() => 'nothing');
      throw new Error(`the coupon should be ${states.join(' or ')} and is ${seen}`, { cause });
    }
  }

  /** Presses a button of a card, as often as said. */
  async press(id, name, { clicks = 1 } = {}) {
    await Promise.all([
      this.page.waitForEvent('framenavigated'),
      this.card(id).getByRole('button', { name, exact: true }).click({ clickCount: clicks }),
    ]);
    await this.card(id).waitFor();
  }
}

export class Plans extends Coupons {
  constructor(page, operator) { super(page, operator, 'plans'); }

  async logIn(msisdn) {
    await this.page.goto(this.operator.dashboard);
    await this.page.locator('#who').selectOption(msisdn);
    await this.page.locator('#log-in button').click();
    await this.page.locator('#line').waitFor();
    return this.open();
  }

  /** Buys a plan: the page asks once more, and that is clicked as often as said. Gives the operator's name for the coupon. */
  async buy(plan, { clicks = 1 } = {}) {
    const form = this.page.locator(`#plans > li[data-plan="${plan}"] form`);
    await this.page.locator(`#plans > li[data-plan="${plan}"] summary`).click();
    const id = await form.locator('[name=extCouponID]').inputValue();
    await form.getByRole('button').click({ clickCount: clicks });
    await this.page.waitForURL(`**/plans#coupon-${id}`);
    await this.card(id).waitFor();
    return id;
  }

  /** Its code was bought, and is on its way or there. */
  async isOnItsWay(id) {
    await this.shows(id, 'issued', 'sent', 'delivered');
  }

  async says(id, words) {
    assert.match(await this.card(id).innerText(), words);
  }
}

export class Desk extends Coupons {
  constructor(page, operator) { super(page, operator, 'coupons'); }
}
