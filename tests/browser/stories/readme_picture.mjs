// What the README's picture shows is still there, and on a phone's first screen: else the picture could not be taken any more.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import { about, test } from '../harness/suite.mjs';
import { FILE, PHONE, SIZE, walkReadme } from '../pictures/readme.mjs';
import { noor } from '../people.mjs';

about('the README’s picture');

test('number, code and the month on the bill are each within a phone', async stage => {
  const { page } = await stage.customer({ viewport: PHONE });
  const screens = [];
  await walkReadme(page, { msisdn: noor, email: 'noor@example.com' }, async (name, ...seen) => {
    for (const each of seen) {
      const { x, y, width, height } = await each.boundingBox();
      assert.ok(x >= 0 && y >= 0 && x + width <= PHONE.width && y + height <= PHONE.height, `${name}: ${each} is not within`);
    }
    screens.push(name);
  });
  assert.deepEqual(screens, ['number', 'code', 'bill']);
});

test('is the one that is taken, and is put into words', () => {
  const [, words] = fs.readFileSync('README.md', 'utf8').match(/!\[([^\]]+)\]\(docs\/widget\.png\)/) || [];
  for (const screen of [/number/i, /code/i, /bill/i]) assert.match(words, screen);
  // The size of a PNG is at the beginning of its first chunk.
  const file = fs.readFileSync(FILE);
  assert.deepEqual({ width: file.readUInt32BE(16), height: file.readUInt32BE(20) }, SIZE);
});
