// Names that run in the other direction than the text around them: each keeps its own order and place.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { fits } from '../harness/fits.mjs';
import { Visitor, pin } from '../harness/gallery.mjs';
import { acme, edge } from '../harness/system.mjs';

about('names of the other direction');

/** The signs at the ends have no direction of their own: without isolation they go to the wrong side. */
const ARABIC = '(شركة الاتصالات!)';
const LATIN = '(Acme Mobile!)';

/** Hands the frame out as the edge does for an operator of this name. */
const rename = (page, name) => page.route(`${edge}/widget/v1/frame?*`, async route => {
  const response = await route.fetch();
  await route.fulfill({ response, body: (await response.text()).replaceAll(acme.name, name) });
});

/** Where the letters of each `name` on the screen stand, from its first to its last: texts and positions on one line. */
const places = (widget, name) => widget.body.evaluate((body, name) => {
  const found = [];
  const walker = document.createTreeWalker(document.getElementById('card'), NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.checkVisibility() || node.parentElement.closest('.unseen')) continue;
    for (let at = node.data.indexOf(name); at >= 0; at = node.data.indexOf(name, at + 1)) {
      const marks = [...name].map((mark, n) => {
        const range = document.createRange();
        range.setStart(node, at + n);
        range.setEnd(node, at + n + 1);
        const { left, width, top } = range.getBoundingClientRect();
        return { mark, middle: left + width / 2, line: Math.round(top) };
      });
      found.push({ text: node.data, marks });
    }
  }
  return found;
}, name);

for (const [locale, name, forward] of [['de', ARABIC, -1], ['en', ARABIC, -1], ['ar', LATIN, 1]]) {
  test(`${forward > 0 ? 'from left to right' : 'from right to left'} in ${locale}: on every step`, async stage => {
    const { page } = await stage.customer({ viewport: { width: 360, height: 740 } });
    await rename(page, name);
    const operator = { ...acme, name, agreement: acme.agreement };
    await page.goto(`${acme.dashboard}/?locale=${locale}`);
    const visitor = new Visitor(page, operator, locale);
    const { widget } = visitor;
    const holds = async step => {
      await widget.shows(step);
      const found = await places(widget, name);
      assert.ok(found.length > 0, `${step}: the name is on the screen`);
      for (const { text, marks } of found) {
        for (const [n, { mark, middle, line }] of marks.entries()) {
          const before = marks[n - 1];
          if (!before || before.line !== line) continue;
          assert.ok((middle - before.middle) * forward > 0, `${step}: ${mark} is on the wrong side in: ${text}`);
        }
      }
      await fits(page, step);
    };
    await holds('number');
    await visitor.asksWith(pin());
    await holds('pin');
    await widget.$('change-number').click();
    await visitor.agrees({ operator });
    await holds('confirm');
  }, { when: 'beside' });
}
