// An operator's pages in a customer's browser, and the phone in the customer's hand.

import assert from 'node:assert/strict';
import { until } from '../harness/until.mjs';
import { Widget } from './widget.mjs';

export class Dashboard {
  constructor(page, operator) {
    this.page = page;
    this.operator = operator;
    this.widget = new Widget(page, operator);
  }

  /** Opens the overview, with `query` as the page's own options. */
  async open(query = '') {
    await this.page.goto(`${this.operator.dashboard}/${query}`);
    // Whom this tab has asked for a code before, it goes on waiting for.
    if (await this.widget.becomes('number', 'pin') === 'pin') await this.widget.$('change-number').click();
    await this.widget.shows('number');
    return this.widget;
  }

  async logIn(msisdn) {
    await this.open();
    await this.page.locator('#who').selectOption(msisdn);
    await this.page.locator('#log-in button').click();
    await this.page.locator('#line').waitFor();
    await this.widget.shows('number');
    // The session arrives a moment after the frame.
    await this.widget.offersLines(msisdn);
    return this.widget;
  }

  /** Back from the partner with a result that the operator's server has found genuine. */
  async isBack(outcome) {
    await this.page.locator(`#result[data-signature=valid][data-outcome=${outcome}]`).waitFor();
    await this.widget.shows(outcome);
    assert.equal(new URL(this.page.url()).origin, this.operator.dashboard);
    assert.ok(!this.page.url().includes('onbill_result'), 'the result is taken out of the address bar');
  }

  /** What the widget has told the page so far. */
  events() {
    return this.page.locator('#widget-events li').allTextContents();
  }
}

/** The phone with this number, from now on. */
export async function phone(operator, msisdn) {
  let seen = (await operator.texts(msisdn)).length;
  return {
    /** The next text message. */
    async text() {
      const texts = await until('a text message arrives', async () => {
        const texts = await operator.texts(msisdn);
        return texts.length > seen && texts;
      });
      seen += 1;
      return texts[seen - 1].text;
    },
    /** The code of a coupon, in the next text message. */
    async coupon() {
      const [code] = /(?:[0-9A-Z]{4}-){4}[0-9A-Z]{4}/.exec(await this.text()) || [];
      assert.ok(code, 'a text message has the code in it');
      return code;
    },
    async code() {
      const [, code] = /^(\d{6}) /.exec(await this.text()) || [];
      assert.ok(code, 'a text message begins with the code');
      return code;
    },
  };
}

/** A code that is not this one. */
export const wrong = code => String((Number(code) + 1) % 1e6).padStart(6, '0');
