// The dashboard's word on a number: what is not genuine, or not about that number, proves nothing; the code still can.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { acme, edge } from '../harness/system.mjs';
import { Dashboard, phone } from '../pages/dashboard.mjs';
import { carl, dora } from '../people.mjs';

about('the dashboard’s word');

const SESSION_LENGTH_MAX = 9_999;
/** A number that no other test has codes sent to: a number gets ten. */
const STRANGER = '+12025550196';

async function session(page) {
  return page.evaluate(async () => (await (await fetch('/session')).json()).session);
}

const give = (page, word) => page.evaluate(word => { document.querySelector('pay-on-bill').session = word; }, word);

test('a forged one proves nothing: a code does', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/account/validate', 'refusals#session');
  const widget = await new Dashboard(page, acme).logIn(dora);
  const [header, , signature] = (await session(page)).split('.');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'acme', aud: 'onbill', numbers: [carl], jti: 'x', iat: now, exp: now + 300 };
  await give(page, [header, Buffer.from(JSON.stringify(claims)).toString('base64url'), signature].join('.'));
  await widget.offersLines(carl);                   // the frame has it
  const his = await phone(acme, carl);
  await widget.proveWith(carl, his);
});

test('the longest one reaches the edge, and one that is longer is not sent', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /widget/v1/account/validate', 'refusals#session');
  const claims = Buffer.from(JSON.stringify({ numbers: [STRANGER] })).toString('base64url');
  const sent = [];
  page.on('request', request => {
    if (request.url().endsWith('/account/validate')) sent.push(request.postDataJSON().session?.length);
  });
  for (const length of [SESSION_LENGTH_MAX, SESSION_LENGTH_MAX + 1]) {
    const widget = await new Dashboard(page, acme).open();
    const warned = page.waitForEvent('console', message => message.text().includes('refusals#session'));
    await give(page, `x.${claims}.`.padEnd(length, 'x'));
    // The frame has it, or says that it has not.
    await (length > SESSION_LENGTH_MAX ? warned : widget.offersLines(STRANGER));
    await widget.enter(STRANGER);
    await widget.shows('pin');
    await warned;
  }
  // The edge's answer to the longest is that it is not genuine, and a code is sent without it.
  assert.deepEqual(sent, [SESSION_LENGTH_MAX, undefined, undefined]);
});

test('one about another number is no proof for this one', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).logIn(dora);
  await widget.enter(carl);
  await widget.shows('pin');
});

test('without it, the number is asked for; nobody’s is filled in', async stage => {
  const { page } = await stage.customer();
  const widget = await new Dashboard(page, acme).open();
  assert.equal(await widget.$('msisdn').inputValue(), '');
});

test('the frame’s calls are refused from anywhere else', async stage => {
  const { page } = await stage.customer();
  await new Dashboard(page, acme).open();
  const url = `${edge}/widget/v1/account/validate`;
  const body = JSON.stringify({ operator: 'acme', offer: 'netflix-standard', msisdn: carl, locale: 'en' });
  for (const origin of [acme.dashboard, 'http://evil.example', undefined]) {
    const answer = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json', ...origin && { origin } } });
    assert.equal(answer.status, 403);
    assert.equal((await answer.json()).code, 'forbidden');
  }
});
