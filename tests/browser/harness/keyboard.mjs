// Getting around without a mouse.

import assert from 'node:assert/strict';

const TABS_MAX = 40;

/** Presses Tab until the element has the focus. */
export async function tabTo(page, target) {
  for (let tab = 0; tab < TABS_MAX; tab += 1) {
    await page.keyboard.press('Tab');
    if (await target.evaluate(element => element.matches(':focus') && element.ownerDocument.hasFocus())) return;
  }
  assert.fail(`no way by keyboard to ${target}`);
}
