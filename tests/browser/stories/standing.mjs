// Who may not buy, and what they are told: nothing at all about a number before it has proved itself.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme } from '../harness/system.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { carl, ceased, eva, nobody, novaNobody, poor, stranger, suspended } from '../people.mjs';

about('numbers that cannot pay');

test('a stranger learns nothing from the answer, whatever the number', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/account/validate');
  const widget = await new Dashboard(page, acme).open();
  const question = { operator: 'acme', offer: 'netflix-standard', locale: 'en' };
  const shapes = [];
  for (const msisdn of [carl, nobody, ceased, suspended, poor]) {
    const { flow, expiresAt, ...rest } = await widget.ask('account/validate', { ...question, msisdn });
    assert.ok(Date.parse(expiresAt) > Date.now());
    shapes.push({ ...rest, flow: flow.length });
  }
  for (const shape of shapes) assert.deepEqual(shape, shapes[0]);
  // A number of another country shows that by itself: whether it is somebody's is not even asked.
  const [eves, nobodys] = await Promise.all([eva, novaNobody].map(msisdn => widget.ask('account/validate', { ...question, msisdn })));
  assert.equal(eves.code, 'number-foreign');
  assert.deepEqual(eves, nobodys);
});

test('no text message goes to a number that is nobody’s; another number does', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  const his = await phone(acme, carl);
  for (const number of [nobody, ceased]) {
    await widget.enter(number);
    await widget.shows('pin');
    await widget.$('change-number').click();
  }
  await widget.proveWith(carl, his);
  // His message was asked for last and has come: theirs are not merely late.
  assert.deepEqual(await acme.texts(nobody), []);
  assert.deepEqual(await acme.texts(ceased), []);
});

// The number is proven by the dashboard's word; then the customer goes on with a number that needs a code.
for (const [who, msisdn, status, code, ways] of [
  ['whose line has ended', ceased, 404, 'account-not-found', ['help', 'change-number']],
  ['whose bill is unpaid', suspended, 400, 'suspended-non-payment', ['pay-bill', 'again']],
  ['without balance', poor, 400, 'insufficient-balance', ['top-up', 'again']],
]) {
  test(`a customer ${who} is told so, and can use another number`, async stage => {
    const { page, announce } = await stage.customer();
    announce(`${status} /widget/v1/account/validate`);
    const dashboard = new Dashboard(page, acme);
    const widget = await dashboard.logIn(msisdn);
    await widget.$('number-submit').click();
    await widget.says('error', code, { ways });
    await widget.headingHasFocus();
    assert.ok((await dashboard.events()).includes(`error ${code}`));
    await widget.go(ways[1]);
    await widget.enter(stranger());
    await widget.shows('pin');
  });
}

test('a suspended customer who proves the number with a code is told the same', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/pin');
  const widget = await new Dashboard(page, acme).open();
  const his = await phone(acme, suspended);
  await widget.enter(suspended);
  await widget.shows('pin');
  await widget.enterCode(await his.code());
  await widget.says('error', 'suspended-non-payment', { ways: ['pay-bill', 'again'] });
});
