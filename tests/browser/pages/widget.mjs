// The widget's frame on a page: what a customer sees in it and does with it.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { until } from '../harness/until.mjs';
import { agreement, words, written } from './words.mjs';

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
    await this.types();
    await this.$('msisdn').fill(number);
    await this.$('number-submit').click();
  }

  /** Goes to the field for the number, wherever a code was asked for before, or a line can be picked. */
  async types() {
    if (await this.becomes('number', 'pin') === 'pin') await this.$('change-number').click();
    await this.shows('number');
    if (await this.$('typing').isHidden()) await this.$('number-switch').click();
  }

  /** Waits until the dashboard vouches for these lines, and they can be picked. */
  async offersLines(...lines) {
    const shown = lines.map(line => written(this.operator, line));
    await until(`the widget offers ${shown}`, async () => {
      const labels = await this.inside.locator('#lines label:visible').allTextContents();
      const button = await this.$('number-submit').textContent();
      return lines.length === 1 ? button.includes(shown[0]) : labels.join() === shown.join();
    });
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

  /** What is agreed in the last step: pairs of label and text. */
  agreed() { return this.#pairs('agreed'); }

  /** What it has come to, in the same way. */
  summary() { return this.#pairs('message-rows'); }

  #pairs(id) {
    return this.inside.locator(`#${id} > div`).evaluateAll(rows =>
      rows.map(({ children }) => [...children].map(each => each.textContent)));
  }

  /** The last step as it is on the screen, from top to bottom. */
  async lastStep() {
    const text = id => this.$(id).textContent();
    return {
      title: await text('agreed-title'),
      rows: await this.agreed(),
      note: await text('agreed-note'),
      consent: await text('agreed-consent'),
      links: await this.inside.locator('#agreed-links a').evaluateAll(links => links.map(link => [link.textContent, link.href])),
      accept: await text('confirm-submit'),
    };
  }

  /** The last step says all that this operator's customer agrees to and nothing else, to the letter. */
  async agreesTo({ line, price, on = '', locale = 'en', type, date }) {
    await this.shows('confirm');
    const wanted = agreement({ operator: this.operator, locale, type, date });
    const number = locale === 'ar' ? `\u2068${written(this.operator, line)}\u2069` : written(this.operator, line);
    const shown = text => text.replace('{line}', number).replace('{price}', price).replace('{date}', on);
    assert.deepEqual(await this.lastStep(), {
      title: wanted.title,
      rows: wanted.rows.map(({ label, text }) => [label, shown(text)]),
      note: wanted.note,
      consent: wanted.consent,
      links: wanted.links.map(({ label, url }) => [label, url]),
      accept: wanted.accept,
    });
  }

  /**
   * The hash of what the screen says, as the origin keeps it: without the number, and with the price in the origin's
   * spelling. The words themselves are taken from the screen.
   */
  async hashOfLastStep({ line, price, kept }) {
    const { title, rows, note, consent, links, accept } = await this.lastStep();
    const lines = [
      title, ...rows.map(([label, text]) => `${label}: ${text.replace(written(this.operator, line), '{line}').replace(price, kept)}`), note, consent,
      ...links.map(([label, url]) => `${label}: ${url}`), accept,
    ];
    return createHash('sha256').update(lines.join('\n')).digest('base64url');
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
