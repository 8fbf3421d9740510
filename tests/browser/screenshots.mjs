// Pictures for people to look at, taken by one command that tests nothing: `ONBILL_SCREENSHOTS=1 cargo xtask test browser`.
// `widget`, `way`, `app`, `coupons`, `console` or `readme` instead of the 1 takes those only; that of the README is in docs/, all others are in
// target/test/browser/screenshots.

import fs from 'node:fs';
import path from 'node:path';
import { launch } from './harness/browser.mjs';
import { out } from './harness/system.mjs';
import { takeConsole } from './pictures/console.mjs';
import { takeReadmePicture } from './pictures/readme.mjs';
import { takeApp, takeCoupons, takeWay } from './pictures/whole_pages.mjs';
import { takeWidget } from './pictures/widget.mjs';

const SERIES = { readme: takeReadmePicture, widget: takeWidget, way: takeWay, app: takeApp, coupons: takeCoupons, console: takeConsole };

export async function take() {
  const asked = process.env.ONBILL_SCREENSHOTS;
  const chosen = asked === '1' ? Object.values(SERIES) : [SERIES[asked]];
  if (!chosen[0]) throw new Error(`ONBILL_SCREENSHOTS is 1, or one of ${Object.keys(SERIES).join(', ')}`);
  const folder = path.join(out, 'screenshots');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const browser = await launch();
  try {
    for (const series of chosen) await series(browser, folder);
  } finally {
    await browser.close();
  }
}
