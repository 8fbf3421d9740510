// The running system as the tests see it from outside the browser: addresses, the parties' JSON, and switches to make
// them fail. Numbers travel in the query of the operator's own /sms and /bill and nowhere else.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { until } from './until.mjs';

function given(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are started by \`cargo xtask test browser\``);
  return value;
}

export const edge = given('ONBILL_EDGE_URL');

/** Where Acme's ledger is: `sqlite` or `postgres`. */
export const database = process.env.ONBILL_DATABASE || 'sqlite';

/** Everything the run leaves behind. */
export const out = given('ONBILL_OUT');

/** The partner's key file, and the tool that signs with it. */
export const partnerKeys = path.join(given('ONBILL_KEYS'), 'partner-netflix.json');
export const tool = given('ONBILL_TOOL');

/** The folder of the whole system: its databases, key-value store and logs. */
export const place = path.dirname(out);

async function json(url, init) {
  const answer = await fetch(url, { ...init, headers: { accept: 'application/json', ...init?.headers } });
  assert.ok(answer.ok, `${init?.method || 'GET'} ${url} answers ${answer.status}`);
  return answer.json();
}

const posted = body => ({
  method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
});

/** A party's fault switches, for the time of `act`. */
async function withFaults(party, faults, act) {
  await json(`${party}/faults`, posted(faults));
  try {
    return await act();
  } finally {
    await json(`${party}/faults`, posted({}));
  }
}

class Operator {
  constructor({ accounts, ...facts }) {
    Object.assign(this, facts);
    this.numbers = fs.readFileSync(accounts, 'utf8').split('\n').slice(1).filter(Boolean).map(line => line.split(',')[0]);
  }

  page(name, msisdn) {
    return `${this.dashboard}/${name}?msisdn=${encodeURIComponent(msisdn)}`;
  }

  /** What the phone with this number has received, oldest first. */
  texts(msisdn) {
    return json(this.page('sms', msisdn));
  }

  /** What the operator's systems say of an account beyond its status, for the time of `act`. */
  async saying(msisdn, answer, act) {
    const set = said => json(`${this.dashboard}/account-answers`, posted({ msisdn, ...said }));
    await set(answer);
    try {
      return await act();
    } finally {
      await set({});
    }
  }

  bill(msisdn) {
    return json(this.page('bill', msisdn));
  }

  /** The one line of a bill, once it is there. */
  async line(msisdn) {
    const { lines } = await until('a line on the bill', async () => {
      const bill = await this.bill(msisdn);
      return bill.lines.length > 0 && bill;
    });
    assert.equal(lines.length, 1, 'one charge is one line');
    return lines[0];
  }

  withFaults(faults, act) {
    return withFaults(this.dashboard, faults, act);
  }

  /** Makes all that waits in the origin's outbox due, by hand and while the origin is down: else it takes minutes. */
  hurry() {
    return this.#changeOutbox('due_at = 0');
  }

  /** The same, and what is attempted then is attempted for the last time. */
  exhaust() {
    return this.#changeOutbox('due_at = 0, attempts = 1000');
  }

  #changeOutbox(values) {
    return this.withoutOrigin(async () => {
      const books = new DatabaseSync(path.join(place, `${this.id}.sqlite`));
      // What has stopped answering may still be closing them.
      books.exec(`PRAGMA busy_timeout = 5000; UPDATE outbox SET ${values}`);
      books.close();
    });
  }

  /** Takes the operator's origin, the process, down for the time of `act`. */
  async withoutOrigin(act) {
    const file = path.join(given('ONBILL_DOWN'), `origin-${this.id}`);
    const answers = () => fetch(`${this.origin}/healthz`).then(answer => answer.ok, () => false);
    fs.writeFileSync(file, '');
    try {
      await until('the origin is down', async () => !await answers());
      return await act();
    } finally {
      fs.rmSync(file);
      await until('the origin is up again', answers);
    }
  }
}

const known = JSON.parse(given('ONBILL_OPERATORS')).map(facts => new Operator(facts));
export const acme = known.find(({ id }) => id === 'acme');
export const nova = known.find(({ id }) => id === 'nova');

export const netflix = {
  url: given('ONBILL_NETFLIX_URL'),

  accounts() {
    return json(`${this.url}/accounts`);
  },

  async account(email) {
    const { accounts } = await this.accounts();
    return accounts.find(account => account.email === email);
  },

  charges() {
    return json(`${this.url}/charges`);
  },

  billingRun(month) {
    return json(`${this.url}/billing-runs`, posted({ month }));
  },

  withFaults(faults, act) {
    return withFaults(this.url, faults, act);
  },
};
