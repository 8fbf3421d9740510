// What the whole run has left behind, looked at last: no number has reached the partner, an address, a log, the edge's
// store or, in the open, a database.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { unescape } from 'node:querystring';
import { about, test as testOf } from '../harness/suite.mjs';
import { requested } from '../harness/watch.mjs';
import { acme, netflix, nova, place } from '../harness/system.mjs';
import { alsoNovaNobody, ceased, nobody, novaNobody, stillNobody, strangers } from '../people.mjs';

about('what the run has left behind');

const test = (title, body) => testOf(title, body, { when: 'last' });

const numbers = [...acme.numbers, ...nova.numbers, nobody, stillNobody, ...strangers, novaNobody, alsoNovaNobody];
/** The digits that every way of writing a number ends with. */
const tails = numbers.map(number => number.slice(-9));

test('nothing that reached Netflix looks like a number', async stage => {
  const { leaks } = await netflix.accounts();
  assert.deepEqual(leaks, []);
  const { page } = await stage.customer();
  await page.goto(`${netflix.url}/accounts`);
  await page.locator('#leak-check[data-leaks="0"]').waitFor();
});

test('no address has a number in it', () => {
  assert.ok(requested.length > 100, 'the run has asked for something');
  // An operator's own inbox and bill are named by the number: the stand-in for a phone and an envelope.
  const own = ({ url }) => [acme, nova].some(({ dashboard }) => /^\/(sms|bill)\?/.test(url.replace(dashboard, '')));
  for (const { method, url } of requested.filter(each => !own(each))) {
    // An address need not be UTF-8: unescape takes what decodeURIComponent refuses.
    const digits = unescape(url).replace(/[^0-9]/g, '');
    assert.ok(!tails.some(tail => digits.includes(tail)), `${method} ${url}`);
  }
});

test('no text message went to a number without an active account', async () => {
  for (const [operator, number] of [[acme, nobody], [acme, ceased], [nova, novaNobody], ...strangers.map(each => [acme, each])]) {
    assert.deepEqual(await operator.texts(number), []);
  }
});

/** All files below a folder. */
function files(dir) {
  return fs.readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile()).map(entry => path.join(entry.parentPath, entry.name));
}

test('no log, key-value store or database has a number in the open', () => {
  const databases = fs.readdirSync(place).filter(name => /\.sqlite(-wal)?$/.test(name)).map(name => path.join(place, name));
  const looked = [...files(path.join(place, 'logs')), ...files(path.join(place, 'kv')), ...databases];
  assert.ok(databases.length >= 2 && looked.length > databases.length + 4, looked.join());
  for (const file of looked) {
    const text = fs.readFileSync(file, 'latin1');
    assert.ok(!tails.some(tail => text.includes(tail)), `${path.relative(place, file)} has a number in it`);
  }
});
