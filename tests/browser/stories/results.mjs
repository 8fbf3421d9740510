// Coming back from the partner with something else than success, or with a result that is not one.

import assert from 'node:assert/strict';
import { about, test } from '../harness/suite.mjs';
import { accessible } from '../harness/axe.mjs';
import { acme, edge, netflix, nova } from '../harness/system.mjs';
import { Dashboard } from '../pages/dashboard.mjs';
import { summary, words } from '../pages/words.mjs';
import { SignUp } from '../pages/netflix.mjs';
import { carl, gil } from '../people.mjs';

about('the way back');

/** With the page on which Nova's customers see what is charged, if there is one, after the best way on. */
const novaWays = (first, ...more) => [first, ...nova.agreement.accountURL ? ['account-page'] : [], ...more];

test('a customer who cancels at Netflix is not charged, and can start again', async stage => {
  const { page } = await stage.customer();
  const dashboard = new Dashboard(page, acme);
  const widget = await dashboard.logIn(carl);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  await widget.$('confirm-submit').click();
  await (await new SignUp(page).opens()).cancel();
  await dashboard.isBack('cancelled');
  await widget.says('cancelled', undefined, { key: 'cancelled', ways: ['again', 'not-now'] });
  await accessible(page, 'cancelled');
  await widget.go('again');
  await widget.$('number-submit').click();
  await widget.shows('confirm');
});

test('a customer who comes back before the end is told to wait, and is back for good after it', async stage => {
  const { page, context } = await stage.customer();
  const widget = await new Dashboard(page, nova).logIn(gil);
  await widget.$('number-submit').click();
  await widget.shows('confirm');
  await widget.$('confirm-submit').click();
  const signUp = await new SignUp(page).opens();
  const early = new Dashboard(await context.newPage(), nova);
  const back = new URL(await page.locator('#cancel').getAttribute('href'));
  await early.page.goto(back.origin + back.pathname);
  await early.isBack('pending');
  await early.widget.says('pending', undefined, { key: 'pending', ways: novaWays('done') });

  await signUp.createAccount('gil@example.com');
  await page.locator('#all-set').waitFor();
  await early.page.goto(back.href);
  await early.isBack('success');         // what the books say, whatever the address claims
  await early.widget.says('success', undefined, { key: 'success', ways: novaWays('open-partner', 'done') });
  const next = words('success-next', { operator: nova });
  assert.equal(await early.widget.$('message-next').textContent(), next);
  // Who has just arrived has no focus in the frame, and hears it all.
  assert.match(await early.widget.$('status').textContent(), /Plan Netflix Standard Price €13\.99 /);
  assert.deepEqual(await early.widget.summary(), summary({ operator: nova, price: '€13.99', type: 'prepaid' }));
});

test('a result that is forged is refused by the server and by the widget', async stage => {
  const { page, announce } = await stage.customer();
  announce('400 /done', '400 /widget/v1/result');
  const jws = part => Buffer.from(JSON.stringify(part)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: 'onbill', aud: 'acme', jti: 'x', iat: now, exp: now + 300, outcome: 'success', offer: 'netflix-standard' };
  const forged = [
    'nonsense',
    `${jws({ alg: 'none', typ: 'onbill-result+jwt' })}.${jws(claims)}.`,
    `${jws({ alg: 'HS256', typ: 'onbill-result+jwt', kid: 'acme' })}.${jws(claims)}.${'A'.repeat(43)}`,
  ];
  const widget = new Dashboard(page, acme).widget;
  for (const result of forged) {
    await page.goto(`${acme.dashboard}/done?onbill_result=${encodeURIComponent(result)}`);
    await page.locator('#result[data-signature=token-invalid]').waitFor();
    await widget.says('error', 'token-invalid', { key: 'result-invalid', ways: ['restart'] });
  }
  await widget.go('restart');
  await widget.shows('number');
});

test('a widget that is not served here is a kind page', async stage => {
  const { page, announce } = await stage.customer();
  announce('404 /widget/v1/frame', '400 /widget/v1/frame');
  for (const [query, status, title] of [
    ['operator=nobody&offer=netflix-standard', 404, 'This is not available here'],
    ['operator=acme&offer=nothing', 404, 'This is not available here'],
    ['operator=acme&offer=netflix-standard&return-url=https%3A%2F%2Fevil.example%2F', 400, 'This service is not set up on this page'],
  ]) {
    const answer = await page.goto(`${edge}/widget/v1/frame?${query}`);
    assert.equal(answer.status(), status);
    assert.equal(await page.locator('h1').textContent(), title);
    await accessible(page, query);
  }
});

test('a way back that does not exist is a kind page', async stage => {
  const { page, announce } = await stage.customer();
  announce('404 /widget/v1/return/');
  for (const ticket of ['acme/AAAAAAAAAAAAAAAAAAAAAA', 'nobody/AAAAAAAAAAAAAAAAAAAAAA']) {
    const answer = await page.goto(`${edge}/widget/v1/return/${ticket}`);
    assert.equal(answer.status(), 404);
    await page.getByRole('heading', { name: 'This link no longer works' }).waitFor();
    await accessible(page, 'a dead link');
  }
});

test('the partner’s page is over when it was never opened', async stage => {
  const { page, announce } = await stage.customer();
  announce('404 /signup/');
  await page.goto(`${netflix.url}/signup/unknown`);
  await page.locator('#visit-over').waitFor();
  await accessible(page, 'a sign-up that is over');
});
