// What customers type into the field for the number.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { about, test } from '../harness/suite.mjs';
import { acme } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { carl } from '../people.mjs';

about('numbers as people type them');

const read = path => readFileSync(new URL(`../../../worker/${path}`, import.meta.url), 'utf8');

test('a number is shown as it is written in its country, else as it was typed', async () => {
  const formats = new Map([...read('src/number_format.rs').matchAll(/\("([A-Z]{2})", "(\d+)", "([^"]+)"\)/g)].map(([, country, ...rest]) => [country, rest]));
  assert.ok(formats.size > 30);
  const numberWriter = new Function(`${read('widget/frame-typed.js')}\nreturn numberWriter;`)();
  for (const [country, typed, shown] of [
    ['DE', '0171 1234567', '+49 171 1234567'],
    ['DE', '01512 3456789', '+49 1512 3456789'],
    ['DE', '0176 12345678', '+49 176 12345678'],
    ['DE', '+49 (0)171 1234567', '+49 171 1234567'],
    ['DE', '0049 171 1234567', '+49 171 1234567'],
    ['DE', '+4917612345678', '+49 176 12345678'],
    ['DE', '030 1234567', '030 1234567'],
    ['AT', '0664 1234567', '+43 664 1234567'],
    ['AT', '0681 12345678', '+43 681 12345678'],
    ['AT', '+43 664 123456', '+43 664 123456'],
    ['AT', '43664123456', '+43 664 123456'],
    ['AT', '01 5337890', '01 5337890'],
    ['FI', '040 1234567', '+358 40 1234567'],
    ['FI', '050 123 4567', '+358 50 1234567'],
    ['FI', '+358 45 7123 4567', '+358 45 71234567'],
    ['FI', '09 1234567', '09 1234567'],
    ['GB', '07911 123456', '+44 7911 123456'],
    ['GB', '+44 (0)7911 123456', '+44 7911 123456'],
    ['GB', '0044 7911 123456', '+44 7911 123456'],
    ['FR', '06 12 34 56 78', '+33 6 12 34 56 78'],
    ['FR', '+33 (0)6 12 34 56 78', '+33 6 12 34 56 78'],
    ['FR', '612345678', '+33 6 12 34 56 78'],
    ['IT', '312 345 6789', '+39 312 345 6789'],
    ['IT', '06 12345678', '06 12345678'],
    ['US', '1 (202) 555-0107', '+1 (202) 555-0107'],
    ['ES', '612 34 56 78', '+34 612 34 56 78'],
    ['ES', '+1 202 555 0107', '+1 202 555 0107'],
  ]) {
    const [code, format] = formats.get(country);
    assert.equal(numberWriter({ code, format })(typed), shown, `${country} ${typed}`);
  }
  for (const [country, [code, format]] of formats) {
    for (const way of format.split('|')) {
      const digits = way.replace(/#/g, '7').replace(/\D/g, '');
      assert.equal(numberWriter({ code, format })(`+${code}${digits}`).replace(/\D/g, ''), code + digits, country);
    }
  }
});

test('what is no number is said at the field, and can be put right', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/account/validate');
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.logIn(carl);
  for (const [typed, complaint] of [
    ['', 'number-empty'],
    ['   ', 'number-empty'],
    ['2'.repeat(33), 'number-long'],
    ['call me maybe', 'invalid-request'],
    ['202-555-01O7', 'invalid-request'],
    ['+1 202 555', 'invalid-request'],
    ['+34 612 34 56 01', 'number-foreign'],
    ['12025550107120255501', 'invalid-request'],
    ["'; drop table accounts; --", 'invalid-request'],
    ['<b>2025550107</b>', 'invalid-request'],
  ]) {
    await widget.enter(typed).catch(error => { throw new Error(`after ${typed}`, { cause: error }); });
    await widget.complains('number', complaint, 'msisdn');
    await widget.$('msisdn').press('End');
    await page.keyboard.type('0');
    await widget.shows('number');        // the complaint goes when the customer goes on typing
  }
  await widget.enter('(202) 555-0107');
  await widget.shows('confirm');
});

test('every usual way of writing a number is understood', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).logIn(carl);
  // The dashboard vouches for this one number only: whatever leads to the offer has been read as that number.
  for (const typed of [
    '+12025550107', '2025550107', '(202) 555-0107', '202.555.0107', ' 1 202-555-0107 ', '+1 (202) 555 01 07', '011 1 202 555 0107',
    '٢٠٢٥٥٥٠١٠٧', '+١ ٢٠٢ ٥٥٥ ٠١٠٧', '۲۰۲ ۵۵۵ ۰۱۰۷', '＋１２０２５５５０１０７', '\u202a+1 202 555 0107\u202c',
    '（２０２）５５５－０１０７', '202\u00ad555\u00ad0107', '202\u2011555\u20110107', 'tel:+1-202-555-0107',
  ]) {
    await widget.enter(typed);
    await widget.shows('confirm').catch(error => { throw new Error(`after ${typed}`, { cause: error }); });
    await widget.$('other-number').click();
  }
});
