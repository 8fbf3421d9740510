// A small screen.

import assert from 'node:assert/strict';

export const PHONE = { width: 360, height: 740 };

/** Neither the page nor a frame in it scrolls sideways. `what` names it in a failure. */
export async function fits(page, what) {
  for (const frame of page.frames()) {
    const [needed, there] = await frame.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(needed <= there, `${what}: ${needed} px wide where there are ${there}`);
  }
}
