// The README's picture, docs/widget.png: number, code, and the month on the bill, on three phones. The screens are the real
// system's, and a browser puts them beside each other. stories/readme_picture.mjs holds that they are still there.

import fs from 'node:fs';
import { acme, netflix } from '../harness/system.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { ana } from '../people.mjs';

export const FILE = 'docs/widget.png';
export const PHONE = { width: 360, height: 780 };
/** Of the whole picture, in its own pixels. */
export const SIZE = { width: 1692, height: 1188 };

const SCALE = 1.5;
/** A phone's screen on the picture, in CSS pixels. Its pixels are taken as they are, so that letters stay sharp. */
const SCREEN = { width: 300, height: 650 };
/** In place of the one that was sent, so that the picture is the same whenever it is taken. */
const SHOWN_CODE = '482915';
const CAPTIONS = { number: 'Enter the number', code: 'Enter the code from the SMS', bill: 'The month is on the bill' };

/**
 * Goes from the number to the bill, on a page of a phone's size, and calls `look(name, ...seen)` at each screen of the picture
 * with what has to be seen on it. `msisdn` is on no bill yet, `email` is new to the partner.
 */
export async function walkReadme(page, { msisdn, email }, look) {
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.open();
  const theirs = await phone(acme, msisdn);
  await widget.$('msisdn').fill(msisdn.replace(/^\+1(...)(...)/, '($1) $2-'));
  await look('number', widget.$('msisdn'), widget.$('number-submit'));
  await widget.$('number-submit').click();
  await widget.shows('pin');
  const code = await theirs.code();
  await widget.$('code').fill(SHOWN_CODE);
  await bringUp(page.locator('pay-on-bill'));
  await look('code', widget.$('pin-to'), widget.$('code'), widget.$('pin-submit'));
  await widget.enterCode(code);
  await widget.shows('confirm');
  await widget.$('confirm-submit').click();
  const signUp = await new SignUp(page).opens();
  await signUp.createAccount(email);
  await signUp.goBack();
  await dashboard.isBack('success');

  await page.goto(`${netflix.url}/billing-runs`);
  await netflix.billingRun(await page.locator('#month').inputValue());
  await acme.line(msisdn);
  await page.goto(acme.page('bill', msisdn));
  await bringUp(page.locator('h1'));
  await look('bill', page.locator('#bill-lines tbody tr'), page.locator('#services-total'));
}

/** Scrolls a screen to what it is about. */
const bringUp = part => part.evaluate(each => scrollBy(0, each.getBoundingClientRect().top - 16));

export async function takeReadmePicture(browser) {
  const deviceScaleFactor = SCREEN.width * SCALE / PHONE.width;
  const context = await browser.newContext({ viewport: PHONE, deviceScaleFactor, colorScheme: 'light', reducedMotion: 'reduce' });
  const page = await context.newPage();
  const screens = [];
  await walkReadme(page, { msisdn: ana, email: 'ana@example.com' }, async name => {
    // A ring where the focus is, and what copies calls for developers, are not the picture's.
    await page.evaluate(() => {
      document.activeElement?.blur();
      for (const each of document.querySelectorAll('.copy')) each.remove();
    });
    screens.push({ name, image: await page.screenshot() });
  });
  await context.close();
  fs.writeFileSync(FILE, await compose(browser, screens));
  console.log(`  The README's picture: ${FILE}`);
}

/** Puts the screens beside each other, each in a phone's outline. */
async function compose(browser, screens) {
  const viewport = { width: SIZE.width / SCALE, height: SIZE.height / SCALE };
  const page = await browser.newPage({ viewport, deviceScaleFactor: SCALE });
  const figures = screens.map(({ name, image }) =>
    `<figure><img src="data:image/png;base64,${image.toString('base64')}"><figcaption>${CAPTIONS[name]}</figcaption></figure>`);
  await page.setContent(`<!doctype html><style>
    body { margin: 0; height: 100vh; display: flex; justify-content: space-evenly; align-items: center; border-radius: 24px; background: #dfe2ea; color: #171a22; }
    figure { margin: 0; text-align: center; }
    img { display: block; box-sizing: content-box; width: ${SCREEN.width}px; height: ${SCREEN.height}px; border: 10px solid #262a33; border-radius: 36px; }
    figcaption { margin-block-start: 18px; font: 600 18px/1.4 system-ui, sans-serif; }</style>${figures.join('')}`);
  const picture = await page.screenshot({ omitBackground: true });
  await page.close();
  return picture;
}
