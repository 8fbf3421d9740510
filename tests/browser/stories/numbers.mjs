// What customers type into the field for the number.

import { about, test } from '../harness/suite.mjs';
import { acme } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { carl } from '../people.mjs';

about('numbers as people type them');

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
