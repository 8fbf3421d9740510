// The operator's colours on the widget, whenever they come, and how it looks in narrow columns and large letters. How much room
// it takes is in room.mjs.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { until } from '../harness/until.mjs';
import { acme, edge } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { fits } from '../harness/fits.mjs';
import { walk } from '../harness/gallery.mjs';
import { stranger } from '../people.mjs';

about('the operator’s colours');

const buttonOf = widget => widget.$('number-submit').evaluate(button => getComputedStyle(button).backgroundColor);
const brandOf = page => page.evaluate(() => getComputedStyle(document.querySelector('.brand .mark rect')).fill);

test('are on the widget, light and dark, and change with the device', async stage => {
  const { page } = await stage.customer({ colorScheme: 'light' });
  const widget = await new Dashboard(page, acme).open();
  const light = await brandOf(page);
  await until('the button has the brand’s colour', async () => await buttonOf(widget) === light);
  await page.emulateMedia({ colorScheme: 'dark' });
  const dark = await brandOf(page);
  assert.notEqual(dark, light);
  await until('the button has the brand’s dark colour', async () => await buttonOf(widget) === dark);
});

/**
 * Words, numbers and prices that are broken though their box, made as wide as the card lets it be, would have room for them in
 * one piece; and words that are broken into letters.
 */
const shattered = widget => widget.body.evaluate(body => {
  const broken = [];
  const card = document.getElementById('card');
  const edges = box => {
    const style = getComputedStyle(box);
    return ['paddingLeft', 'paddingRight', 'borderLeftWidth', 'borderRightWidth'].reduce((sum, side) => sum + parseFloat(style[side]), 0);
  };
  const roomOf = box => box === card ? card.offsetWidth - edges(card) : roomOf(box.parentElement) - edges(box);
  const walker = document.createTreeWalker(card, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.parentElement.checkVisibility() || node.parentElement.closest('.unseen')) continue;
    for (const { index, 0: word } of node.data.matchAll(/\+\d[\d() -]*\d|[\p{L}\p{N}.,?!…$€]+/gu)) {
      const range = document.createRange();
      range.setStart(node, index);
      range.setEnd(node, index + word.length);
      const rects = [...range.getClientRects()];
      const lines = new Set(rects.map(({ top }) => Math.round(top))).size;
      if (lines < 2) continue;
      const isTooWide = rects.reduce((sum, { width }) => sum + width, 0) > roomOf(node.parentElement);
      // Of a word that there is no room for, at least three letters stay together. A title's and a button's are never broken, and
      // nothing that begins with a digit. A telephone number may be, where one of its spaces is, unless it is on a button.
      const onButton = node.parentElement.closest('button');
      const isShort = onButton || node.parentElement.closest('h1') || word.length / lines < 3;
      if (!isTooWide || /^\d/.test(word) || onButton && word.startsWith('+') || !/\d/.test(word) && isShort) broken.push(word);
    }
  }
  return broken;
});

const SPACED = '* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-block-end: 2em !important }';
/** What it is, the window's width, and the size and the spacing of letters. */
const SIZES = [
  ['a column of 280 px', 280, 16, ''],
  ['a column of 280 px and letters of 32 px', 280, 32, ''],
  ['a phone of 320 px and letters of 24 px', 320, 24, ''],
  ['a phone of 320 px and letters of 32 px', 320, 32, ''],
  ['a phone of 320 px and the spacing of WCAG 1.4.12', 320, 16, SPACED],
  ['a phone of 360 px', 360, 16, ''],
];

/** Makes the window this wide, and the letters like that. */
async function resize(page, browserSettings, widget, width, size, spacing) {
  await page.setViewportSize({ width, height: 740 });
  await browserSettings.send('Page.setFontSizes', { fontSizes: { standard: size } });
  await widget.body.evaluate((_, spacing) => {
    globalThis.spaced ??= new CSSStyleSheet();
    globalThis.spaced.replaceSync(spacing);
    if (!document.adoptedStyleSheets.includes(globalThis.spaced)) document.adoptedStyleSheets = [...document.adoptedStyleSheets, globalThis.spaced];
  }, spacing);
  const frame = page.locator('pay-on-bill iframe');
  await until('the frame is as wide as its place', async () =>
    await widget.body.evaluate(() => innerWidth) === await frame.evaluate(each => each.clientWidth));
  await until('the frame has letters of this size, or as large as its column lets them be', () => widget.body.evaluate((_, size) =>
    Math.abs(parseFloat(getComputedStyle(document.documentElement).fontSize) - Math.min(size, innerWidth * .107)) < .1, size));
}

/** What can be clicked or typed into and is nearer to another such thing than a fingertip can tell apart. */
const tooClose = widget => widget.body.evaluate(body => {
  const APART_PIXELS = 4;
  const boxes = [...body.querySelectorAll('button, a.primary, input')].filter(each => each.checkVisibility())
    .map(each => [each.id || each.textContent, each.getBoundingClientRect()]);
  const near = (a, b) => a.right > b.left - APART_PIXELS && b.right > a.left - APART_PIXELS
    && a.bottom > b.top - APART_PIXELS && b.bottom > a.top - APART_PIXELS;
  return boxes.flatMap(([name, box], at) => boxes.slice(at + 1).filter(([, other]) => near(box, other)).map(([other]) => `${name} and ${other}`));
});

/** In these the customer has done nothing yet: the focus is theirs, wherever on the page it is. */
const UNTOUCHED = /^(loading|(own )?number|number to (use|pick)|success|pending|cancelled|error of a result: .*)$/;

// One walk through the states for all sizes: most of the time is the way into a state.
test('leave the focus within the step, the buttons apart, and every word and price whole, in every state and size', async stage => {
  const customer = await stage.customer({ viewport: { width: 320, height: 740 } });
  const browserSettings = await customer.context.newCDPSession(customer.page);
  await walk(customer, { locale: 'de' }, async (name, widget) => {
    const isLost = await widget.body.evaluate(body => document.activeElement === body);
    assert.equal(isLost, UNTOUCHED.test(name), `${name}: where the focus is`);
    for (const [what, ...size] of SIZES) {
      await resize(customer.page, browserSettings, widget, ...size);
      await fits(customer.page, `${name} in ${what}`);
      assert.deepEqual(await tooClose(widget), [], `${name} in ${what}`);
      assert.deepEqual(await shattered(widget), [], `${name} in ${what}`);
    }
    await customer.page.setViewportSize({ width: 320, height: 740 });
  });
}, { seconds: 900, when: 'beside' });

test('tell the main button, the others and a waiting one apart in forced colours', async stage => {
  const { page } = await stage.customer({ forcedColors: 'active' });
  const widget = await new Dashboard(page, acme).open();
  await widget.enter(stranger());
  await widget.shows('pin');
  const look = id => widget.$(id).evaluate(each => {
    const { color, backgroundColor, borderColor } = getComputedStyle(each);
    return [color, backgroundColor, borderColor].join();
  });
  const waiting = await look('resend');
  const [main, quiet] = [await look('pin-submit'), await look('change-number')];
  assert.equal(new Set([main, quiet, waiting]).size, 3, [main, quiet, waiting].join(' / '));
  const colors = id => widget.$(id).evaluate(each => [getComputedStyle(each).color, getComputedStyle(each).backgroundColor]);
  assert.deepEqual(await colors('partner-link'), await colors('pin-submit'), 'the main link looks like the main button');
});

/** The contrast of two colours as the browser computes them (WCAG 2.2). */
const contrast = (one, other) => {
  const luminance = color => color.match(/[\d.]+/g).slice(0, 3).map(c => c / 255)
    .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
    .reduce((sum, c, n) => sum + c * [.2126, .7152, .0722][n], 0);
  const [dark, light] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + .05) / (dark + .05);
};

for (const colorScheme of ['light', 'dark']) {
  test(`leave edges, marks and the focus ring to be seen in forced colours, ${colorScheme}`, async stage => {
    const { page } = await stage.customer({ forcedColors: 'active', colorScheme });
    const widget = await new Dashboard(page, acme).open();
    const style = (selector, ...names) => widget.inside.locator(selector).first().evaluate((each, names) =>
      names.map(name => getComputedStyle(each)[name]), names);
    await widget.enter('');
    await widget.shows('number', 'number-empty');
    const [background] = await style('html', 'backgroundColor');
    const isDark = contrast(background, 'rgb(0, 0, 0)') < contrast(background, 'rgb(255, 255, 255)');
    assert.equal(isDark, colorScheme === 'dark', 'these are the user’s colours');
    for (const [what, selector, name] of [
      ['the edge of a field', '#msisdn', 'borderTopColor'], ['the focus ring', '#msisdn', 'outlineColor'],
      ['a complaint', '#msisdn-error', 'color'], ['the main button', '#number-submit', 'backgroundColor'],
      ['a step to come', '#progress i:not(.on)', 'borderTopColor'], ['a step', '#progress .on', 'backgroundColor'],
      ['the mark', '.mark path', 'stroke'], ['the ring of a message’s mark', '#message circle', 'stroke'],
    ]) {
      const [color] = await style(selector, name);
      assert.ok(contrast(color, background) >= 3, `${what}: ${color} on ${background}`);
    }
    assert.deepEqual(await style('#message circle', 'fill'), [background], 'a message’s mark has no colour of the operator’s');
    const ring = await widget.$('msisdn-error').evaluate(each => getComputedStyle(each, '::before').outlineStyle);
    assert.equal(ring, 'solid', 'the sign of a complaint has a ring');
    const [words, button] = await style('#number-submit', 'color', 'backgroundColor');
    assert.ok(contrast(words, button) >= 4.5, `the main button’s words: ${words} on ${button}`);
    const [reached, ahead] = [await style('#progress .on', 'backgroundColor'), await style('#progress i:not(.on)', 'backgroundColor')];
    assert.notDeepEqual(reached, ahead);
  });
}

for (const [reducedMotion, ...names] of [['reduce', 'none', 'none'], ['no-preference', 'in', 'turn']]) {
  test(`move ${reducedMotion === 'reduce' ? 'nothing for a reader who wants no motion' : 'the step that comes, and the button that waits'}`, async stage => {
    const { page } = await stage.customer({ reducedMotion });
    const widget = await new Dashboard(page, acme).open();
    await page.route(`${edge}/widget/v1/account/validate`, () => {});
    await widget.enter(stranger());
    await widget.inside.locator('#number-submit.busy').waitFor();
    const moves = (id, part) => widget.$(id).evaluate((each, part) => getComputedStyle(each, part).animationName, part);
    assert.deepEqual([await moves('number'), await moves('number-submit', '::before')], names);
  });
}

test('are left to the widget: its own can be read, light and dark, which it checks itself', async stage => {
  for (const colorScheme of ['light', 'dark']) {
    // A pair that is hard to read would be a warning, and a warning fails the test.
    const { page } = await stage.customer({ colorScheme });
    const widget = await new Dashboard(page, acme).open('?theme=plain');
    const scheme = await widget.body.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
    assert.equal(scheme, colorScheme);
    await until('it has looked', () => widget.$('status').evaluate(probe => probe.style.color !== ''));
  }
});

test('leave the buttons off a printed page', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  await page.emulateMedia({ media: 'print' });
  assert.ok(await widget.$('number-title').isVisible());
  assert.equal(await widget.inside.locator('button:visible').count(), 0);
});

test('are on the widget when the page’s style sheet comes last', async stage => {
  const { page } = await stage.customer();
  let letGo;
  const held = new Promise(resolve => { letGo = resolve; });
  await page.route('**/assets/*.css', async route => { await held; await route.continue(); });
  const opened = page.goto(`${acme.dashboard}/`);
  const { widget } = new Dashboard(page, acme);
  await widget.shows('number');
  letGo();
  await opened;
  const brand = await brandOf(page);
  await until('the button has the brand’s colour', async () => await buttonOf(widget) === brand);
});

test('a font may have a name in any script, and one like a function', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  for (const font of ['Γραμματοσειρά', 'Image Sans', 'Inter Variable']) {
    await page.locator('pay-on-bill').evaluate((element, name) => element.style.setProperty('--onbill-font', `${name}, serif`), font);
    await until('the frame has it', () => widget.body.evaluate((body, name) => getComputedStyle(body).fontFamily.includes(name), font));
  }
});

about('logos');

const logo = width => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} 40"><rect width="${width}" height="40" fill="#777"/></svg>`;

/** Hands the frame out as the edge does where operator and partner have logos. */
async function addLogos(page) {
  await page.route(`${edge}/widget/v1/frame?*`, async route => {
    const response = await route.fetch();
    const images = ['wide', 'square'].map(name => `<img src="logo/${name}" alt="">`).join('');
    const policy = response.headers()['content-security-policy'].replace("connect-src 'self'", "$&; img-src 'self'");
    const body = (await response.text()).replace('<div id="logos">', `$&${images}`);
    await route.fulfill({ response, body, headers: { ...response.headers(), 'content-security-policy': policy } });
  });
  await page.route(`${edge}/widget/v1/logo/*`, route => route.fulfill({
    contentType: 'image/svg+xml', body: logo(route.request().url().endsWith('wide') ? 400 : 40),
  }));
}

for (const [width, locale] of [[280, 'de'], [360, 'ar'], [1280, 'en']]) {
  test(`stand beside each other, whole, at ${width} px in ${locale}`, async stage => {
    const { page } = await stage.customer({ viewport: { width, height: 740 } });
    await addLogos(page);
    const widget = await new Dashboard(page, acme).open(`?locale=${locale}`);
    await widget.shows('number');
    const images = widget.inside.locator('#logos img');
    await until('both are there', () => images.evaluateAll(all => all.length === 2 && all.every(each => each.naturalWidth > 0)));
    const [wide, square] = await images.evaluateAll(all => all.map(each => each.getBoundingClientRect().toJSON()));
    assert.deepEqual([wide.height, square.height, square.width], [32, 32, 32]);
    assert.ok(wide.right <= square.left || square.right <= wide.left, 'they do not touch');
    assert.ok(await widget.inside.locator('.mark').isHidden());
    await fits(page, `logos at ${width} px`);
  });
}
