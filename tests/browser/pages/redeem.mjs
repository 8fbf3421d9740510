// The partner's pages for whoever has a code: where it is entered, and the account that is paid by it.

import assert from 'node:assert/strict';
import { netflix } from '../harness/system.mjs';

export class Redeem {
  constructor(page) {
    this.page = page;
    this.code = page.locator('#code');
  }

  async open() {
    await this.page.goto(`${netflix.url}/redeem`);
    await this.code.waitFor();
    return this;
  }

  /** Enters the code, and for whoever is not logged in the account; the password is the demo's. */
  async enter(code, { email, clicks = 1 } = {}) {
    await this.code.fill(code);
    if (email) {
      await this.page.locator('#email').fill(email);
      await this.page.locator('#password').fill('demo');
    }
    await Promise.all([
      this.page.waitForEvent('framenavigated'),
      this.page.locator('#redeem-submit').click({ clickCount: clicks }),
    ]);
  }

  /** The page is there again, says this, and has the focus where the mistake is. */
  async complains(words) {
    const problem = this.page.locator('#problem[role=alert]');
    await problem.waitFor();
    assert.match(await problem.innerText(), words);
    await this.page.locator('#code[aria-invalid=true]:focus').waitFor();
    assert.match(await this.code.getAttribute('aria-describedby'), /\bproblem\b/);
  }
}

export class Member {
  constructor(page) { this.page = page; }

  /** The account, as it will be on a day. */
  async open(on) {
    await this.page.goto(`${netflix.url}/member${on ? `?on=${on}` : ''}`);
    await this.shows();
    return this;
  }

  async shows() {
    await this.page.waitForURL(`${netflix.url}/member*`);
    await this.page.locator('#membership').waitFor();
  }

  async logIn(email) {
    await this.page.goto(`${netflix.url}/member`);
    await this.page.locator('#email').fill(email);
    await this.page.locator('#password').fill('demo');
    await this.page.locator('#log-in-submit').click();
    await this.shows();
    return this;
  }

  async logOut() {
    await this.page.getByRole('button', { name: 'Not you? Log out' }).click();
    await this.page.locator('#log-in-form').waitFor();
  }

  /** The last day that is paid, such as 2027-05-21. */
  paidUntil() {
    return this.page.locator('#membership').getAttribute('data-paid-until');
  }

  text() {
    return this.page.locator('main').innerText();
  }
}

/** The code with a slip in it: one character is another one of those that codes are made of. */
export const mistyped = code => `${code.slice(0, -1)}${code.endsWith('7') ? '8' : '7'}`;
