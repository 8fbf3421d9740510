// Every state that the widget can show, with the shortest way into it. The stories reach these states through the real
// system; here the edge's answers are made up, so that each state can be looked at in every language, size and colour
// without an outage each.

import { acme, edge, netflix } from './system.mjs';
import { Widget } from '../pages/widget.mjs';
import { accountWords, agreement, agreementWord, answerWords, wordSummary } from '../pages/words.mjs';

const offer = { id: 'netflix-standard', title: 'Netflix Standard', partner: 'netflix', price: { value: 1599, currency: 'USD', decimals: 2 } };
const NUMBER = '+1 202 555 0177';
const NEVER = () => {};
/** How long a state that waits for an answer stays: many pictures are taken of it. */
const PATIENCE_MILLISECONDS = 600_000;

export const pin = () => ({ flow: 'f', step: 'pin', digits: 6, expiresAt: new Date(Date.now() + 600_000).toISOString() });
const refusal = (status, code, more) => ({ status, headers: { 'retry-after': '30' }, json: { code, message: 'Made up.', ...more } });

/** What a state's way into it can do. */
export class Visitor {
  constructor(page, operator, locale) {
    this.page = page;
    this.operator = operator;
    this.locale = locale;
    this.widget = new Widget(page, operator);
  }

  async answers(path, answer) {
    const { json = answer, ...rest } = answer;
    const said = { ...rest, json: { words: answerWords(this.locale), ...json } };
    const fulfil = typeof answer === 'function' ? answer : route => route.fulfill(said);
    await this.page.route(`${edge}/widget/v1/${path}`, fulfil);
  }

  async asksWith(answer) {
    await this.answers('account/validate', answer);
    await this.widget.enter(NUMBER);
  }

  /** The dashboard's session is about these lines. */
  async vouches(...lines) {
    const claims = btoa(JSON.stringify({ numbers: lines.map(line => line.replaceAll(' ', '')) }));
    await this.page.evaluate(session => { document.querySelector('pay-on-bill').session = session; }, `x.${claims}.x`);
    await this.widget.$('typing').waitFor({ state: 'hidden' });
  }

  async codesWith(answer) {
    await this.asksWith(pin());
    await this.widget.shows('pin');
    await this.answers('pin', answer);
    await this.widget.enterCode('123456');
  }

  /** Proves the number for the customer's own page, and does `next` on it. */
  async reads(page, next = NEVER) {
    await this.asksWith({ step: 'account', flow: 'f', words: accountWords(this.locale), ...page });
    await this.widget.shows('account');
    await next(this.widget);
  }

  /** Is asked for a challenge by an edge that has one. What stands where Cloudflare's would has its size. */
  async isChallenged() {
    await this.page.route(`${edge}/widget/v1/frame?*`, async route => {
      const response = await route.fetch();
      await route.fulfill({ response, body: (await response.text()).replace(/id="boot"[^>]*>\{/, '$&"challenge":{"siteKey":"key"},') });
    });
    await this.page.reload();
    await this.widget.shows('number');
    await this.widget.body.evaluate(() => {
      globalThis.turnstile = { render: (box, { size }) => {
        const [width, height] = size === 'compact' ? ['150px', '140px'] : ['max(100%, 300px)', '65px'];
        const challenge = document.createElement('div');
        Object.assign(challenge.style, { width, height, background: '#8888' });
        box.append(challenge);
      } };
    });
    await this.asksWith(refusal(403, 'challenge-required'));
  }

  async unlinksWith(answer) {
    await this.reads(full, unlinks);
    await this.answers('account/unlink', answer);
    await this.widget.$('unlink-yes').click();
  }

  /** Reads what is agreed, as the origin words it for this operator and this language. */
  async agrees({ type = 'postpaid', operator = this.operator, date, notice } = {}) {
    const words = agreement({ operator, locale: this.locale, type, date });
    words.price = { ...words.price, decimals: 2 };
    await this.asksWith({ flow: 'f', step: 'confirm', type, offer, agreement: words, ...notice && { notice } });
    await this.widget.shows('confirm');
  }

  /** What the next page with a result in its address is answered. */
  comesBack(outcome, date = '2027-05-18') {
    const summary = wordSummary({ operator: this.operator, locale: this.locale, date });
    summary.price = { ...summary.price, decimals: 2 };
    return this.answers('result', { outcome, offer, accountURL, ...outcome === 'success' && { summary } });
  }

  async signsUpWith(answer) {
    await this.agrees();
    await this.answers('signup', answer);
    await this.widget.$('confirm-submit').click();
  }

  /** Goes on to the partner. A page that is being left cannot be looked at: the way out is held shut, as if it were taken. */
  async opens() {
    await this.widget.body.evaluate(() => { globalThis.open = () => globalThis; });
    await this.answers('signup', { url: `${netflix.url}/signup/never` });
    await this.widget.$('confirm-submit').click();
  }
}

/** The operator's page that helps, as the origin names it beside a refusal, and the edge labels it. */
const wayOn = ({ operator, locale }, kind) => ({ wayOn: { kind, url: `${operator.dashboard}/${kind}`, label: answerWords(locale)[kind] } });
const refused = (status, code, kind) => [`error ${code}`, v => v.asksWith(refusal(status, code, kind && wayOn(v, kind))), 'error', code];
const accountURL = `${acme.dashboard}/subscriptions`;
const back = outcome => [outcome, v => v.comesBack(outcome), outcome, undefined, 'nonsense'];
const backRefused = code => [`error of a result: ${code}`, v => v.answers('result', refusal(400, code)), 'error', code, 'nonsense'];

/** Name, way, state and complaint to end in, and the result in the page's address where it begins with one. */
const STATES = [
  ['loading', v => v.answers('result', NEVER), 'loading', undefined, 'nonsense'],
  ['number', NEVER, 'number'],
  ['number to use', v => v.vouches(NUMBER), 'number'],
  ['number to pick', v => v.vouches(NUMBER, '+12025550178', '+34612345678'), 'number'],
  ['number, asking', v => v.asksWith(NEVER), 'number'],
  ['number empty', v => v.widget.enter(''), 'number', 'number-empty'],
  ['number too long', v => v.widget.enter('2'.repeat(33)), 'number', 'number-long'],
  ['number refused', v => v.asksWith(refusal(400, 'invalid-request')), 'number', 'invalid-request'],
  ['number foreign', v => v.asksWith(refusal(400, 'number-foreign')), 'number', 'number-foreign'],
  ['challenge', v => v.isChallenged(), 'challenge'],
  ['pin', v => v.asksWith(pin()), 'pin'],
  ['pin too short', async v => { await v.asksWith(pin()); await v.widget.enterCode('123'); }, 'pin', 'pin-short'],
  ['pin wrong', v => v.codesWith(refusal(400, 'pin-invalid')), 'pin', 'pin-invalid'],
  ['pin expired', v => v.codesWith(refusal(400, 'pin-expired')), 'pin', 'pin-expired'],
  ['pin tried too often', v => v.codesWith(refusal(429, 'too-many-requests')), 'error', 'too-many-requests'],
  ['confirm', v => v.agrees(), 'confirm'],
  ['confirm prepaid', v => v.agrees({ type: 'prepaid' }), 'confirm'],
  ['confirm after a coupon', v => v.agrees({ date: '2027-05-18' }), 'confirm'],
  ['confirm after a change', v => v.agrees({ notice: agreementWord('changed', v.locale) }), 'confirm'],
  ['confirm without terms', v => v.agrees({ operator: { ...v.operator, agreement: { price: offer.price } } }), 'confirm'],
  ['opening', async v => { await v.agrees(); await v.opens(); }, 'opening'],
  ...['success', 'pending', 'cancelled'].map(back),
  ...['token-invalid', 'token-expired'].map(backRefused),
  refused(404, 'account-not-found', 'help'),
  refused(400, 'account-not-eligible', 'help'),
  ['error account-not-eligible, without a page that helps', v => v.asksWith(refusal(400, 'account-not-eligible')), 'error', 'account-not-eligible'],
  refused(403, 'signups-closed', 'help'),
  refused(400, 'suspended-non-payment', 'pay-bill'),
  refused(400, 'insufficient-balance', 'top-up'),
  ['error already-on-bill', v => v.asksWith({ step: 'already-on-bill', flow: 'f' }), 'error', 'already-on-bill'],
  refused(429, 'too-many-requests'),
  refused(503, 'service-unavailable'),
  refused(503, 'challenge-unavailable'),
  ['error partner-unavailable', v => v.signsUpWith(refusal(503, 'partner-unavailable')), 'error', 'partner-unavailable'],
  ['error token-expired', v => v.signsUpWith(refusal(400, 'token-expired')), 'error', 'token-expired'],
  ['error network', v => v.asksWith(route => route.abort('internetdisconnected')), 'error', 'network'],
  ['error timeout', v => v.asksWith(NEVER), 'error', 'timeout'],
  ['error unexpected', v => v.asksWith(refusal(500, 'internal-error')), 'error', 'unexpected'],
];

/** A customer's own page that has everything on it. */
const month = (n, more) => ({
  partner: 'netflix', at: `2026-${n}-02T09:30:00Z`, description: 'Netflix Standard',
  servicePeriod: { from: `2026-${n}-01`, to: `2026-${n}-28` }, amount: offer.price, status: 'APPROVED', ...more,
});
const dollars = value => ({ value, currency: 'USD', decimals: 2 });
const link = (name, more) => ({
  subscription: name, partner: 'netflix', title: 'Netflix Standard', since: '2026-03-14T12:00:00Z', state: 'ACTIVE', ...more,
});
const ended = (reason, at = '2026-10-20T12:00:00Z') => ({ state: 'CLOSED', ended: { at, reason } });
const full = {
  subscriptions: [link('a'), link('b', { partner: 'tunes', title: undefined, state: 'SUSPENDED' }),
    link('d', { status: 'CANCELLED', canUnlink: false }), link('e', { paidUntil: '2027-05-27', endsByItself: true, canUnlink: false }), link('c', { since: '2025-01-07T12:00:00Z', ...ended('account-closed-fraud', '2026-02-20T12:00:00Z') })],
  charges: [
    month('12', { status: 'PENDING' }), month('11', { billedOn: '2026-12-14', refunded: dollars(800), refunding: dollars(100), tax: dollars(122), reference: '0192f3a4-5b6c-7d8e-9f00-112233445566' }), month('10'),
    month('09', { status: 'DECLINED', declineReason: 'insufficient-balance' }),
  ],
  cursor: '1.x',
};
const unlinks = widget => widget.inside.locator('#links button').first().click();

STATES.push(['account from an offer', async v => {
  await v.asksWith({ step: 'already-on-bill', flow: 'f' });
  await v.widget.shows('error', 'already-on-bill');
  await v.answers('account', { json: { ...full, words: accountWords(v.locale) } });
  await v.widget.$('message-primary').click();
}, 'account']);

/** The same of the customer's own page, which is another page of the dashboard's. */
const OWN = [
  ['own number', NEVER, 'number'],
  ['own pin', v => v.asksWith(pin()), 'pin'],
  ['account', v => v.reads(full), 'account'],
  ['account, asking for more', v => v.reads(full, async widget => {
    await v.answers('account', NEVER);
    await widget.$('earlier').click();
  }), 'account'],
  ['receipt', v => v.reads(full, async widget => {
    await widget.inside.locator('#charges button').first().click();
    await widget.shows('receipt');
  }), 'receipt'],
  ['account, empty', v => v.reads({ subscriptions: [], charges: [] }), 'account'],
  ['account, never charged', v => v.reads({ subscriptions: [link('a')], charges: [] }), 'account'],
  ['unlink', v => v.reads(full, unlinks), 'unlink'],
  ['unlink, with days to lose', v => v.reads({ subscriptions: [link('a', { paidUntil: '2027-05-27' })], charges: [] }, unlinks), 'unlink'],
  ['unlink, asking', v => v.unlinksWith(NEVER), 'unlink'],
  ['unlinked', v => v.unlinksWith({ subscription: link('a', ended('pai-revoked-by-user')) }), 'unlinked'],
  ['own error account-not-eligible', v => v.asksWith(refusal(400, 'account-not-eligible', wayOn(v, 'help'))), 'error', 'account-not-eligible'],
  ['own error service-unavailable', v => v.unlinksWith(refusal(503, 'service-unavailable')), 'error', 'service-unavailable'],
];

/**
 * Shows every state on the dashboard that has these words in its name, one after the other, or the first state of each step
 * `once`; and calls `look(name, widget, at)` at each, with its place among all states.
 */
export async function walk({ page, announce }, { locale = 'en', theme = 'auto', operator = acme, words = '', once = false }, look) {
  // Some of all the states fail; a choice of them need not.
  if (!words && !once) announce(/^(4\d\d|5\d\d) \/widget\/v1\//, /^net::ERR_\w+ \/widget\/v1\//);
  await page.addInitScript(patience => {
    const timeout = AbortSignal.timeout.bind(AbortSignal);
    globalThis.onbillHurry = false;
    // Each state begins anew, also after one with a code. The empty page before the first has no storage.
    try { sessionStorage.clear(); } catch {}
    AbortSignal.timeout = () => timeout(globalThis.onbillHurry ? 1 : patience);
  }, PATIENCE_MILLISECONDS);
  const states = [['/', STATES], ['/subscriptions', OWN]].flatMap(([path, states]) => states.map(state => [path, ...state]));
  for (const [at, [path, name, way, state, error, result]] of states.entries()) {
    if (!name.includes(words) || once && states.findIndex(each => each[3] === state) < at) continue;
    const visitor = new Visitor(page, operator, locale);
    const { widget } = visitor;
    const open = () => page.goto(`${operator.dashboard}${path}?locale=${locale}&theme=${theme}${result ? `&onbill_result=${result}` : ''}`);
    if (result) {
      await way(visitor);
      await open();
    } else {
      await open();
      await widget.shows('number');
      if (error === 'timeout') await widget.body.evaluate(() => { globalThis.onbillHurry = true; });
      await way(visitor);
    }
    await widget.shows(state, error);
    await look(name, widget, at);
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  }
}
