// Every state of the widget at every width, in every look and language that a brand team signs: one file for each, a sheet for
// each state, and a page with all of them. A state is entered once in each language, and the browser around it is changed.

import path from 'node:path';
import { walk } from '../harness/gallery.mjs';
import { within } from '../harness/suite.mjs';
import { until } from '../harness/until.mjs';
import { writeIndex, writeSheets } from './contact_sheet.mjs';
import { slug } from './slug.mjs';

/** From the widest on: a column keeps the height of the steps that it has seen, and the way into a state is in the narrowest. */
const WIDTHS = [1280, 360, 320, 280];
/** Higher than any step: a picture of what is higher than the window takes the letters' size back, and shows another place. */
const HEIGHT = 6000;
/** This only ends what hangs. */
const SETTLES_SECONDS = 30;
/** A page around the widget is at least as high as a phone's screen. */
const SCREEN_HEIGHT = 740;
/** What a browser's letters measure unless its user has changed that, in pixels. */
const LETTERS = 16;
const PLAIN = { colorScheme: 'light', forcedColors: 'none', letters: LETTERS };
const LOOKS = {
  light: PLAIN,
  dark: { ...PLAIN, colorScheme: 'dark' },
  forced: { ...PLAIN, forcedColors: 'active' },
  large: { ...PLAIN, letters: 2 * LETTERS },
};

/** All states take minutes in a language. */
const ALL = { widths: WIDTHS, looks: LOOKS, once: false };
const EACH_STEP_ONCE = { widths: [360], looks: { light: LOOKS.light, large: LOOKS.large }, once: true };
/** All are taken of the model, of one with long words, and of one from right to left. */
const LOCALES = { en: ALL, de: ALL, ar: ALL, fr: EACH_STEP_ONCE, es: EACH_STEP_ONCE };

/** `ONBILL_ONLY` takes the states that have these words in their names. */
export async function takeWidget(browser, folder) {
  const shots = (await Promise.all(Object.keys(LOCALES).map(locale => takeLocale(browser, folder, locale)))).flat();
  const columns = Object.entries(LOCALES).flatMap(([locale, { widths }]) => widths.map(width => ({ locale, width })));
  await writeSheets(browser, folder, shots, { columns, looks: Object.keys(LOOKS) });
  writeIndex(folder, shots, { locale: Object.keys(LOCALES), look: Object.keys(LOOKS), width: WIDTHS });
  console.log(`  ${shots.length} pictures of the widget: ${path.join(folder, 'index.html')}`);
}

async function takeLocale(browser, folder, locale) {
  const { widths, looks, once } = LOCALES[locale];
  const context = await browser.newContext({ reducedMotion: 'reduce', viewport: { width: WIDTHS.at(-1), height: HEIGHT } });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const settings = await context.newCDPSession(page);
  const wear = async ({ letters, ...media }) => {
    await page.emulateMedia(media);
    await settings.send('Page.setFontSizes', { fontSizes: { standard: letters } });
  };
  const shots = [];
  await walk({ page, announce: () => {} }, { locale, once, words: process.env.ONBILL_ONLY }, async (state, widget, at) => {
    const name = slug(at, state);
    // Nothing is shown as it looks under the pointer.
    await page.mouse.move(0, 0);
    for (const [look, settings] of Object.entries(looks)) {
      await wear(settings);
      for (const width of widths) {
        await page.setViewportSize({ width, height: HEIGHT });
        await settles(page, widget, settings, `${state} in ${locale}, ${look}, ${width} px`);
        const file = path.join('widget', name, `${locale}-${look}-${width}.png`);
        await page.locator('pay-on-bill').screenshot({ path: path.join(folder, file) });
        shots.push({ state, name, locale, look, width, file });
        if (state !== 'number') continue;
        await page.setViewportSize({ width, height: SCREEN_HEIGHT });
        await page.setViewportSize({ width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
        await page.screenshot({ path: path.join(folder, 'pages', `${locale}-${look}-${width}.png`) });
      }
    }
    await wear(PLAIN);
    // A challenge keeps the size that it begins with, and has to fit the narrowest.
    await page.setViewportSize({ width: WIDTHS.at(-1), height: HEIGHT });
    console.log(`  ${locale}: ${state}`);
  });
  await context.close();
  return shots;
}

/** Waits until the look has reached the frame, and the page gives it the room that its step needs in it: no more and no less. */
async function settles(page, widget, { letters }, what) {
  await until(`the widget settles: ${what}`, async () => {
    const [scheme, width] = await page.locator('pay-on-bill').evaluate(each =>
      [getComputedStyle(each).getPropertyValue('--onbill-color-scheme').trim(), each.shadowRoot.querySelector('iframe').clientWidth]);
    return widget.body.evaluate((_, [scheme, width, letters]) => {
      // They are no larger than the column lets them be (frame.css).
      const size = Math.min(letters, innerWidth * .107);
      return innerWidth === width && document.documentElement.style.colorScheme === scheme
        && Math.abs(parseFloat(getComputedStyle(document.documentElement).fontSize) - size) < .1;
    }, [scheme, width, letters]);
  }, SETTLES_SECONDS);
  await within(SETTLES_SECONDS, draw(page, widget));
}

/**
 * By the time the page has drawn, it has told the frame what has changed around it. The frame then draws, and tells the page
 * its height: what it says after that is heard after that.
 */
async function draw(page, widget) {
  await page.evaluate(async () => {
    globalThis.heard = new Promise(resolve => { addEventListener('message', ({ data }) => { if (data === 'drawn') resolve(); }); });
    await new Promise(requestAnimationFrame);
  });
  await widget.body.evaluate(async () => {
    await new Promise(resolve => { requestAnimationFrame(() => setTimeout(resolve)); });
    parent.postMessage('drawn', '*');
  });
  await page.evaluate(() => globalThis.heard);
}
