// The console's tables. On a phone each row is a card with the names of its columns, and the head is for screen readers alone.

import assert from 'node:assert/strict';
import { PHONE } from './fits.mjs';

/** No word of a table is broken into letters, and no head is seen on a phone. Ids may break. `what` names it in a failure. */
export async function tablesAreWhole(page, what) {
  const faults = await page.evaluate(phone => {
    const isPhone = innerWidth <= phone;
    const torn = [];
    for (const cell of document.querySelectorAll(isPhone ? 'td' : 'th, td')) {
      const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        if (!node.parentElement.checkVisibility() || node.parentElement.closest('code, option')) continue;
        for (const { index, 0: word } of node.data.matchAll(/[\p{L}\p{N}]+/gu)) {
          const range = document.createRange();
          range.setStart(node, index);
          range.setEnd(node, index + word.length);
          const lines = new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size;
          if (lines > 1) torn.push(word);
        }
      }
    }
    const heads = isPhone ? [...document.querySelectorAll('thead')] : [];
    return [...torn, ...heads.filter(head => head.getBoundingClientRect().width > 1).map(head => head.textContent)];
  }, PHONE.width);
  assert.deepEqual(faults, [], what);
}
