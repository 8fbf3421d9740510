// The widget's frame on a page: what a customer sees in it and does with it.

import assert from 'node:assert/strict';
import { words } from './words.mjs';

export class Widget {
  constructor(page, operator, frame = 'pay-on-bill iframe') {
    this.page = page;
    this.operator = operator;
    this.inside = page.frameLocator(frame);
    this.body = this.inside.locator('body');
  }

  $(id) { return this.inside.locator(`#${id}`); }

  /** Waits until the frame shows this step, and with `error` this complaint. */
  async shows(state, error) {
    const wanted = `body[data-state="${state}"]${error ? `[data-error="${error}"]` : ':not([data-error])'}`;
    try {
      await this.inside.locator(wanted).waitFor({ state: 'attached' });
    } catch (cause) {
      const seen = await this.body.evaluate(({ dataset }) => JSON.stringify(dataset), null, { timeout: 1000 }).catch(() => 'nothing');
      throw new Error(`the widget should show ${state} ${error || ''} and shows ${seen}`, { cause });
    }
  }

  /** Waits until the frame shows one of these steps, and gives which. */
  async becomes(...states) {
    await this.inside.locator(states.map(state => `body[data-state="${state}"]`).join()).waitFor({ state: 'attached' });
    return this.body.evaluate(({ dataset }) => dataset.state);
  }

  async enter(number) {
    await this.shows('number');
    await this.$('msisdn').fill(number);
    await this.$('number-submit').click();
  }

  async enterCode(code) {
    await this.$('code').fill(code);
    await this.$('pin-submit').click();
  }

  /** From the number to the offer by a text message to `phone`. */
  async proveWith(number, phone) {
    await this.enter(number);
    await this.shows('pin');
    await this.enterCode(await phone.code());
    await this.shows('confirm');
  }

  /** A failure or closing state: its sentence, and the ways on that it offers, in their order. */
  async says(state, error, { key = error || state, text = key, ways, ...values }) {
    await this.shows(state, error);
    const sentence = name => words(name, { operator: this.operator, ...values });
    assert.equal(await this.$('message-title').textContent(), sentence(`${key}-title`));
    assert.equal(await this.$('message-text').textContent(), sentence(text));
    const buttons = await this.inside.locator('#message button:visible').allTextContents();
    assert.deepEqual(buttons, ways.map(sentence));
  }

  /** The complaint at a field, which has the focus. */
  async complains(state, error, field) {
    await this.shows(state, error);
    const sentence = words(error, { operator: this.operator, digits: '6' });
    assert.equal(await this.$(`${field}-error`).textContent(), sentence);
    await this.$(field).and(this.inside.locator('[aria-invalid=true]:focus')).waitFor();
  }

  /** Takes the way on with this sentence. */
  go(way) {
    return this.inside.getByRole('button', { name: words(way, { operator: this.operator }), exact: true }).click();
  }

  /** Whether the heading of the step on show has the focus. */
  async headingHasFocus() {
    await this.inside.locator('section:not([hidden]) h1:focus').waitFor();
  }

  /** Asks the edge something as the frame would. */
  ask(path, body) {
    return this.body.evaluate(async (_, [path, body]) => {
      const answer = await fetch(`/widget/v1/${path}`, {
        method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
      });
      return { status: answer.status, retryAfter: answer.headers.get('retry-after'), ...await answer.json() };
    }, [path, body]);
  }
}
