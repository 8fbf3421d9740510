// The operator's colours on the widget, whenever they come.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { until } from '../harness/until.mjs';
import { acme } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';

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
