// The room that the widget takes on a page: nothing below it jumps, not while it loads, not from step to step, and not on the
// way back from the partner.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { until } from '../harness/until.mjs';
import { acme, edge } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { openDashboardPage } from '../harness/dashboard_page.mjs';
import { PHONE, fits } from '../harness/fits.mjs';
import { Visitor, pin } from '../harness/gallery.mjs';
import { Widget } from '../pages/widget.mjs';
import { stranger } from '../people.mjs';

about('the widget’s height');

// As the docs say it to a page's engineer.
const ROOM = '<style>pay-on-bill:not(:defined) { display: block; min-height: 522px; }</style>';
const ELEMENT = '<pay-on-bill operator="acme" offer="netflix-standard"></pay-on-bill>';
const SHIFT_MAX = 0.02;
const DESKTOP = { width: 1280, height: 800 };

/** The widget has all the room that its step needs. */
const hasRoom = widget => widget.inside.locator('#card').evaluate(card => card.getBoundingClientRect().bottom <= innerHeight + 1);

/**
 * Notes every shift of the layout of the pages that follow. Those after an input count as well: a browser that has the frame
 * in a process of its own does not count a click in it as one on the page.
 */
const watchShifts = page => page.addInitScript(() => {
  if (window !== top) return;
  globalThis.shift = 0;
  new PerformanceObserver(list => {
    globalThis.shift += list.getEntries().reduce((sum, { value }) => sum + value, 0);
  }).observe({ type: 'layout-shift', buffered: true });
});

/**
 * Lets the frame of the pages that follow grow in the steps of a browser that draws sixty times a second. A machine with much
 * else to do draws fewer of them, and each then counts for more: the sum would be the machine's.
 */
const growInSteps = page => page.addInitScript(async () => {
  if (window !== top) return;
  const STEP_MILLISECONDS = 1000 / 60;
  await customElements.whenDefined('pay-on-bill');
  const { shadowRoot } = document.querySelector('pay-on-bill');
  const grow = async growth => {
    growth.pause();
    const { endTime } = growth.effect.getComputedTiming();
    // One that another height has replaced is over, and is left alone.
    for (let at = STEP_MILLISECONDS; at < endTime && growth.playState === 'paused'; at += STEP_MILLISECONDS) {
      growth.currentTime = at;
      await new Promise(requestAnimationFrame);
    }
    if (growth.playState === 'paused') growth.finish();
  };
  // The loader sets the height there, and what is asked for here begins at that moment, before anything is drawn.
  const started = new WeakSet();
  new MutationObserver(() => {
    for (const growth of shadowRoot.querySelector('iframe')?.getAnimations() ?? []) {
      if (!started.has(growth)) grow(growth);
      started.add(growth);
    }
  }).observe(shadowRoot, { subtree: true, attributeFilter: ['style'] });
});

/**
 * By how much the page has shifted since it was opened, once the step has its room and nothing moves. All shifts count, as for a
 * customer who takes no second for a step: then they are in one window of a page's Cumulative Layout Shift
 * (https://web.dev/articles/cls).
 */
async function shiftUntil(page, widget) {
  await until('the step has its room', () => hasRoom(widget));
  await until('the frame stands still', () => page.locator('pay-on-bill iframe').evaluate(frame => frame.getAnimations().length === 0));
  return page.evaluate(async () => {
    const drawn = () => new Promise(resolve => { requestAnimationFrame(() => setTimeout(resolve)); });
    for (let n = 0; n < 3; n += 1) await drawn();      // a shift is reported after the frame that it was drawn in
    return globalThis.shift;
  });
}

for (const viewport of [PHONE, DESKTOP]) {
  test(`leaves what is below it where it is while it loads, at ${viewport.width} px`, async stage => {
    const customer = await stage.customer({ viewport, reducedMotion: 'no-preference' });
    const { page } = customer;
    await watchShifts(page);
    await growInSteps(page);
    await openDashboardPage(customer, `${ROOM}<h1>Your extras</h1>${ELEMENT}<p>Questions? Call us.</p>
      <script src="${edge}/widget/v1/onbill.js" async></script>`);
    const widget = new Widget(page, acme);
    await widget.shows('number');
    const shift = await shiftUntil(page, widget);
    assert.ok(shift <= SHIFT_MAX, `the layout shifts by ${shift}`);
  });
}

// As the docs say it for the page of the return-url: the customer comes back to a step that is higher than the first one.
const returnRoom = ({ width }) => {
  const height = width === PHONE.width ? 760 : 680;
  return `<style>pay-on-bill { --onbill-height: ${height}px; }
    pay-on-bill:not(:defined) { display: block; min-height: ${height + 2}px; }</style>`;
};
const around = room => `${room}<h1>Your extras</h1>${ELEMENT}${'<p>Questions? Call us.</p>'.repeat(4)}
  <script src="${edge}/widget/v1/onbill.js" async></script>`;

// The model, one with long words, and one from right to left, whose first step is the lowest on a phone.
for (const [viewport, locale] of [PHONE, DESKTOP].flatMap(viewport => ['en', 'de', 'ar'].map(locale => [viewport, locale]))) {
  test(`shifts what is below it by ${SHIFT_MAX} at most on the whole way, at ${viewport.width} px in ${locale}`, async stage => {
    const customer = await stage.customer({ viewport, reducedMotion: 'no-preference' });
    const { page } = customer;
    await watchShifts(page);
    await growInSteps(page);
    await openDashboardPage(customer, around(ROOM), { lang: locale });
    const visitor = new Visitor(page, acme, locale);
    const { widget } = visitor;
    const holdsStill = async step => {
      await widget.shows(step);
      const shift = await shiftUntil(page, widget);
      assert.ok(shift <= SHIFT_MAX, `${step}: the layout shifts by ${shift}`);
    };
    const height = () => page.locator('pay-on-bill iframe').evaluate(frame => frame.offsetHeight);
    await holdsStill('number');
    await visitor.asksWith(pin());
    await holdsStill('pin');
    // There and back again: the frame keeps its room.
    const highest = await height();
    await widget.$('change-number').click();
    await holdsStill('number');
    assert.equal(await height(), highest, 'the step before leaves the room as it is');
    await visitor.agrees();
    await holdsStill('confirm');
    const agreed = await height();
    await visitor.opens();
    await holdsStill('opening');
    assert.equal(await height(), agreed, 'what is agreed stays while the partner opens');
    assert.ok(await widget.$('agreed').isVisible());

    await visitor.comesBack('success');
    await openDashboardPage(customer, around(returnRoom(viewport)), { lang: locale, query: '?onbill_result=nonsense' });
    await holdsStill('success');
  }, { when: 'beside' });
}

test('is there from the first moment of the element', async stage => {
  const { page } = await stage.customer();
  await new Dashboard(page, acme).open();
  const height = await page.evaluate(() => {
    const element = document.createElement('pay-on-bill');
    document.body.append(element);
    const { height } = element.getBoundingClientRect();
    element.remove();
    return height;
  });
  assert.ok(height >= 520, `it begins with ${height}`);
});

for (const [reducedMotion, duration] of [['reduce', '0s'], ['no-preference', '0.2s']]) {
  test(`follows the step, ${reducedMotion === 'reduce' ? 'at once for a reader who wants no motion' : 'smoothly'}`, async stage => {
    const { page } = await stage.customer({ reducedMotion });
    const widget = await new Dashboard(page, acme).open();
    const frame = page.locator('pay-on-bill iframe');
    assert.equal(await frame.evaluate(each => getComputedStyle(each).transitionDuration), duration);
    const before = (await frame.boundingBox()).height;
    await widget.enter(stranger());
    await widget.shows('pin');
    await until('the code has its room', () => hasRoom(widget));
    assert.ok((await frame.boundingBox()).height > before);
  });
}

test('is less in the compact layout', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const needed = () => widget.inside.locator('#card').evaluate(card => card.offsetHeight);
  const before = await needed();
  await page.locator('pay-on-bill').evaluate(element => {
    element.style.setProperty('--onbill-layout', 'compact');
    element.style.setProperty('--onbill-height', '340px');
  });
  await until('the step needs less', async () => await needed() < before - 50);
  await until('the page has the room', async () => (await page.locator('pay-on-bill iframe').boundingBox()).height < 440);
  await fits(page, 'the compact layout');
});
