// axe-core on a page and on each frame in it: nothing serious or critical, on level A and AA of WCAG 2.2.

import assert from 'node:assert/strict';
import axe from 'axe-core';

const OPTIONS = {
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
  rules: { 'target-size': { enabled: true } },      // part of 2.2, but off by default
  resultTypes: ['violations'],
  iframes: false,                                   // each frame is examined by itself: its policy lets nobody else in
};

async function examine(frame) {
  await frame.evaluate(axe.source);
  const { violations } = await frame.evaluate(options => globalThis.axe.run(document, options), OPTIONS);
  return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
}

/** `what` names the page in a failure. */
export async function accessible(page, what, { frames = page.frames() } = {}) {
  for (const frame of frames) {
    const found = (await examine(frame)).flatMap(({ id, help, nodes }) =>
      nodes.map(({ html, failureSummary }) => `${id} (${help}): ${html}\n  ${failureSummary}`));
    assert.equal(found.length, 0, `${what}: ${found.join('\n')}`);
  }
}
