// The payment frame's behaviour: number → PIN → confirm → partner, and the closing state on the way back; or number → PIN →
// the customer's own page. The last step is in frame-confirm.js, the own page in frame-account.js, which is loaded when there
// is one to show.
// Number, PIN, session and flow live in this page's memory and in request bodies only: never in a URL, storage or the console.
// Only the step with the code is kept for a reload, in the tab: its flow, which proves nothing without the code.
// What is right or wrong about a number is decided behind the edge, not here.
(() => {
'use strict';
const $ = id => document.getElementById(id);
const boot = JSON.parse($('boot').textContent);
const { operator, partner, partners, strings, locale } = boot;
const pretty = numberWriter(operator.numbers);
const page = document.documentElement;
const shown = document.body.dataset;      // what is on the screen: data-state, data-error
const [number, code] = [$('msisdn'), $('code')];
const WAYS = ['primary', 'secondary', 'third'].map(each => $(`message-${each}`));

const TIMEOUT_MS = 20000;    // longer than the edge waits for the origin
const INIT_WAIT_MS = 500;    // a bare iframe has no loader to wait for
const RESEND_SECONDS = 30;
const NUMBER_MAX = 32;       // the longest number with any way of spacing it

// An assertion of the dashboard is for the frame that presents it first: this is how that frame is known again.
const me = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
let session, flow, closing, digits = 6;
let lines = [], picking = false;     // the numbers that the dashboard vouches for, and whether one of them is picked
let types = false;           // the customer would rather type one, or has begun to
let asked, line = '';        // the number that the steps are about, if it is known, and how it is shown
let otp;                     // waits for the SMS, where a browser can
let solution;                // of a challenge: it is good for one call
let own, busy = false;       // own: it is about the customer's own page, not about an offer
let connected = false;       // a loader has spoken to us
let touched = false;         // the customer has: from then on focus follows the steps
let resendAt = 0, retryAt = 0;
let actions = [];

// ---- Words

// Keeps the direction of a name or number to itself, where it or the text around it runs from right to left.
const isolate = text => page.dir === 'rtl' || /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text;
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => name in values ? isolate(values[name]) : whole);
// A sentence of the edge's is its own words.
const t = (key, values) => fill(own && strings[`own-${key}`] || strings[key] || key,
  { operator: operator.name, partner: partner?.name || '', digits: count(digits), ...values });
const count = (value, unit) => new Intl.NumberFormat(locale, unit && { style: 'unit', unit, unitDisplay: 'long' }).format(value);
const when = seconds => {
  const [size, unit] = seconds < 90 ? [1, 'second'] : seconds < 5400 ? [60, 'minute'] : [3600, 'hour'];
  return new Intl.RelativeTimeFormat(locale).format(Math.ceil(seconds / size), unit);
};
const money = ({ value, currency, decimals }) => {
  const style = { style: 'currency', currency };
  // Half of a deployment may be of a version that does not tell them.
  decimals ??= new Intl.NumberFormat(locale, style).resolvedOptions().maximumFractionDigits;
  const text = new Intl.NumberFormat(locale, { ...style,
    minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(value / 10 ** decimals);
  return /[\u0621-\u064a]/.test(text) ? text : text.replace(/\u200f/g, '');     // Latin signs within Arabic text read left to right
};
const dates = (timeZone, dateStyle = 'medium') => new Intl.DateTimeFormat(locale, { dateStyle, timeZone });
const now = () => Math.floor(performance.now());      // whole milliseconds, so that half a minute is 30 seconds and not 31

// Says everything about the offer, or from now on about the customer's own page.
function label(isOwn) {
  own = isOwn;
  shown.view = own ? 'account' : 'offer';
  for (const each of document.querySelectorAll('[data-t]')) each.textContent = t(each.dataset.t);
  document.title = t('title');
  pick();
}

function make(tag, text, look) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (look) element.className = look;
  return element;
}

// ---- Steps

// Shows one section and leaves the others; `name` is what tests, styles and the page around us know the step by.
function show(name, section = name) {
  shown.state = name;
  delete shown.error;
  for (const each of document.querySelectorAll('section')) each.hidden = each.id !== section;
  if (name !== 'error') {                    // a failure is within the step that it stops
    const reached = { number: 1, challenge: 1, pin: 2, confirm: 3, opening: 3 }[name];
    $('progress').hidden = !reached;
    $('step').textContent = reached ? t('step', { step: count(reached), steps: count(3) }) : '';
    document.querySelectorAll('#progress i').forEach((bar, at) => { bar.className = at < reached ? 'on' : ''; });
  }
  fieldError(number);
  fieldError(code);
  otp?.abort();
  if (name === 'pin') awaitSms();
  const heading = $(section).querySelector('h1');
  if (touched) (name === 'pin' ? code : heading).focus();
  say(touched ? '' : heading.textContent);
  if (name !== 'error') post('step', { step: name });
  tick();
}

function say(text) { $('status').textContent = text; }

function fieldError(field, key) {
  $(`${field.id}-error`).textContent = key ? t(strings[key] ? key : 'unexpected', { country: country() }) : '';
  field.removeAttribute('aria-invalid');
  if (!key) return;
  field.setAttribute('aria-invalid', 'true');
  shown.error = key;
  field.focus();
  field.select();
}

// The section for anything that ends a step: failures and closing states. `ways` are the buttons, the best one first.
function message(name, key, ways, values) {
  if (!strings[`${key}-title`]) key = 'unexpected';      // an answer of another version may come without its words
  $('message-title').textContent = t(`${key}-title`);
  $('message-text').textContent = t(values?.text || key, values);
  $('message-next').textContent = values?.next || '';
  actions = ways.filter(Boolean);
  WAYS.forEach((button, at) => {
    button.hidden = !actions[at];
    button.textContent = actions[at] ? t(actions[at][0]) : '';
  });
  show(name, 'message');
  announce();
}

// The focused heading is read by itself; what stands below it is not.
function announce() {
  say(['message-title', 'message-text', 'message-next', 'message-when'].slice(touched ? 1 : 0).map(id => $(id).textContent).join(' '));
}

// Counts down what the customer may have to wait for.
function tick() {
  const resend = Math.ceil((resendAt - now()) / 1000);
  $('resend').ariaDisabled = String(resend > 0);
  $('resend-hint').textContent = resend > 0 ? t('resend-when', { when: when(resend) }) : '';
  const retry = Math.ceil((retryAt - now()) / 1000);
  $('message-when').textContent = shown.error !== 'too-many-requests' || !retryAt ? ''
    : retry > 0 ? t('retry-when', { when: when(retry) }) : t('retry-now');
}

// ---- Talking to the edge

// Answers the JSON of a 2xx, else `{code, wait}`, and what the operator says of the account. Words that only this answer needs
// come with it.
async function call(path, body) {
  let response, answer;
  try {
    response = await fetch(path, {
      method: 'POST', credentials: 'omit', cache: 'no-store', signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: { 'content-type': 'application/json' }, body: JSON.stringify({ operator: operator.id, locale, ...body }),
    });
    answer = await response.json();
  } catch ({ name }) {
    if (/Timeout|Abort/.test(name)) return { code: 'timeout' };
    if (!response) return { code: 'network' };
  }
  const { ok, status, headers } = response;
  Object.assign(strings, answer?.words);
  if (ok && answer) {
    try { if (answer.subscriptions) await loadOwnPage(); } catch { return { code: 'network' }; }
    return answer;
  }
  const plain = status === 429 ? 'too-many-requests' : status > 501 ? 'service-unavailable' : 'unexpected';
  return { ...answer, code: String(answer?.code || plain), wait: +headers.get('retry-after') };
}

// One request at a time: a second click or Enter meanwhile does nothing. `where` is the step that asked.
async function run(button, where, request, done) {
  if (busy) return;
  fieldError(number);
  fieldError(code);
  delete shown.error;
  setBusy(button, true);
  const answer = await request();
  setBusy(button, false);
  try {
    answer.code ? fail(answer, where, () => run($('message-primary'), where, request, done)) : done(answer);
  } catch {
    fail({ code: 'unexpected' }, where, toNumber);
  }
}

function setBusy(button, on) {
  busy = on;
  $('main').ariaBusy = String(on);
  number.readOnly = code.readOnly = on;
  if (!button) return;
  button.classList.toggle('busy', on);
  button.ariaDisabled = String(on);
  if (on) button.dataset.label = button.textContent;
  const text = on ? t(button.dataset.busy) : button.dataset.label;
  button.textContent = text;
  say(on ? text : '');
}

// Every refusal has its sentence and a way on. `again` repeats the call that failed.
function fail({ code: given, wait, words, wayOn }, where, again) {
  if (given === 'challenge-required' && boot.challenge) return challenge(again);
  const onResult = where === 'result';
  const onNumber = where === 'number' || where === 'resend';
  post('error', { code: given });
  if (/^(invalid-request|number-foreign)$/.test(given) && onNumber) {
    types = true;
    pick();
    if (shown.state !== 'number') toNumber();
    fieldError(number, given);
  } else if (/^pin-(invalid|expired)$/.test(given) && where === 'pin') {
    if (given === 'pin-expired') resendAt = 0;
    if (shown.state !== 'pin') show('pin');
    tick();
    fieldError(code, given);
  } else {
    const [restart, anew] = ['restart', 'again'].map(words => [words, toNumber]);
    const other = ['change-number', toOther];
    const retry = ['again', again];
    const ways = {
      'account-not-found': [other], 'account-not-eligible': [other],
      'already-on-bill': [['see-charges', overview], leave(), other],
      'suspended-non-payment': [anew], 'insufficient-balance': [anew],
      'too-many-requests': where === 'pin' ? [['resend', sendCode], other]
        : where === 'resend' ? [['back-to-code', () => show('pin')], other]
        : where === 'confirm' ? [['again', () => show('confirm')]] : onNumber ? [anew] : [retry],
      'service-unavailable': [retry, restart], 'partner-unavailable': [retry, restart], 'challenge-unavailable': [retry, restart],
      network: [retry, restart], timeout: [retry, restart],
      'token-expired': [restart], 'token-invalid': [restart],
    };
    const known = Object.hasOwn(ways, given) ? given : 'unexpected';
    const text = /^token-/.test(known) ? (onResult ? known.replace('token', 'result') : 'token-expired') : known;
    const spent = known === 'too-many-requests' && where === 'pin';      // a new code can be had at once
    retryAt = wait > 0 && !spent ? now() + Math.min(wait, 86400) * 1000 : 0;
    // The page of the operator's that helps comes first. It replaces the one around us, as the partner's does.
    const page = wayOn && [wayOn.label, () => open(wayOn.url, '_top')];
    message('error', text, [page, ...ways[known] || [retry, restart]], { text: spent ? 'too-many-pins' : words?.reason });
    shown.error = known;
    tick();
    announce();
  }
}

// ---- The journey

function toNumber() {
  keep();
  pick();
  show('number');
}

// A customer with several lines picks another of them.
function toOther() {
  if (lines.length < 2) types = true;
  toNumber();
}

// Shows the lines to pick from, or the field to type in. A single line is on the button.
function pick() {
  picking = lines.length > 0 && !types;
  const [only, ...others] = lines;
  $('typing').hidden = picking;
  $('lines').hidden = !picking || !others.length;
  $('number-title').textContent = t(picking ? 'number-label' : 'number-title');
  $('number-submit').textContent = picking && !others.length ? t('use-line', { line: pretty(only) }) : t('continue');
  $('number-switch').hidden = !lines.length;
  $('number-switch').textContent = t(picking ? 'change-number' : 'my-numbers');
}

function switchNumber() {
  types = picking;
  pick();
  fieldError(number);
  (picking ? $('number-title') : number).focus();
}

const picked = () => picking ? $('lines').querySelector(':checked').value : number.value.trim();
const country = () => new Intl.DisplayNames(locale, { type: 'region', style: 'short' }).of(operator.country);

function sendNumber() {
  asked = picked();
  const typed = asked.replace(/\p{Cf}/gu, '').trim();     // without marks of direction and the like
  if (!typed || [...typed].length > NUMBER_MAX) return fieldError(number, typed ? 'number-long' : 'number-empty');
  run($('number-submit'), 'number', validate, entered);
}

// Always the number as it was typed; also the way to a new code.
async function validate() {
  const answer = await tryNumber();
  if (!session || !/^token-(invalid|expired|already-used)$/.test(answer.code)) return answer;
  session = undefined;       // a bad assertion proves nothing, but the PIN still can
  return tryNumber();
}

function tryNumber() {
  const purpose = own ? { view: 'account' } : { offer: boot.offer };
  const challengeToken = solution;
  solution = undefined;      // it is good for one call
  line = pretty(asked);
  return call('account/validate', { ...purpose, msisdn: asked, returnURL: boot.returnURL || undefined, page: around, session, frame: session && me, challengeToken });
}

// Shows Cloudflare's challenge, which the edge has asked for, and then makes the call `again`. Its script is loaded when it is
// needed and not before; where it does not work, no code is sent.
async function challenge(again) {
  label(own);                                  // its words have come with the refusal
  show('challenge');
  try {
    window.turnstile || await load('https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit');
    $('challenge-box').replaceChildren();
    turnstile.render($('challenge-box'), { sitekey: boot.challenge.siteKey, action: 'pin', language: locale,
      callback: token => { solution = token; again(); },
      'error-callback': () => { unsolvable(again); return true; } });
  } catch { unsolvable(again); }
}

function unsolvable(again) { if (shown.state === 'challenge') fail({ code: 'challenge-unavailable' }, 'number', again); }

function load(src) {
  const { nonce } = document.querySelector('script[nonce]');
  return new Promise((onload, onerror) => document.head.append(Object.assign(make('script'), { nonce, src, onload, onerror })));
}

function entered(answer) {
  if (answer.step !== 'pin') return proven(answer);
  flow = answer.flow;
  digits = answer.digits || 6;
  code.value = '';
  resendAt = now() + RESEND_SECONDS * 1000;
  const until = Date.parse(answer.expiresAt);
  keep({ flow, digits, until, resend: Date.now() + RESEND_SECONDS * 1000, line: line.replace(/\p{Nd}(?=.*\p{Nd}.*\p{Nd})/gu, '•') });
  askForCode(until);
}

function askForCode(until) {
  const minutes = Math.round((until - Date.now()) / 60000);
  const valid = minutes > 0 && minutes < 60;     // a wrong clock on the device says nothing
  $('pin-to').textContent = t('pin-to', { line });
  $('pin-text').textContent = (valid ? t('pin-valid', { minutes: count(minutes, 'minute') }) + ' ' : '') + t('pin-text');
  $('code-label').textContent = t('pin-label');
  show('pin');
}

// A reload, as after a trip to the SMS, comes back to the step with the code. Of the number, its last two digits are kept.
// Where a browser stores nothing, it begins anew.
const KEPT = `onbill ${operator.id} ${boot.offer}`;
function keep(step) {
  try { step ? sessionStorage.setItem(KEPT, JSON.stringify(step)) : sessionStorage.removeItem(KEPT); } catch {}
}

function comeBack() {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEPT));
    if (!(kept.until > Date.now())) return false;
    ({ flow, digits, line } = kept);
    resendAt = now() + Math.min(kept.resend - Date.now(), RESEND_SECONDS * 1000);
    askForCode(kept.until);
    return true;
  } catch { return false; }
}

// Takes the code from the SMS as soon as it is there, where the browser can and the page around us lets it.
function awaitSms() {
  if (!window.OTPCredential || !document.featurePolicy?.allowsFeature('otp-credentials')) return;
  otp = new AbortController();
  navigator.credentials.get({ otp: { transport: ['sms'] }, signal: otp.signal })
    .then(sms => { code.value = sms.code; sendPin(); }, () => {});
}

function sendPin() {
  const pin = symbols(code.value);
  if (!/^\d+$/.test(pin) || pin.length !== digits) return fieldError(code, 'pin-short');
  run($('pin-submit'), 'pin', () => call('pin', { flow, pin }), proven);
}

function sendCode() {
  if (resendAt > now() && shown.state === 'pin') return;
  if (!asked) return toNumber();               // after a reload
  const button = shown.state === 'pin' ? $('resend') : $('message-primary');
  run(button, 'resend', validate, answer => { entered(answer); if (answer.step === 'pin') say(t('resent')); });
}

function proven(answer) {
  const { step } = answer;
  flow = answer.flow;
  code.value = '';
  keep();
  if (step === 'account') return account.open(answer);
  if (step === 'already-on-bill') return fail({ code: step }, 'number');
  if (step !== 'confirm') throw new TypeError('step');
  last.open(answer);
}

function conclude(result) {
  if (result === closing) return;
  closing = result;
  run(null, 'result', () => call('result', { result }), ({ outcome, offer, accountURL }) => {
    const go = (words, url) => /^https?:/.test(url) && [words, () => open(url, '_top')];
    const seen = go('account-page', accountURL);
    const ways = { success: [go('open-partner', partner.url), seen, leave()], pending: [leave(), seen], cancelled: [['again', toNumber], leave('not-now')] };
    message(outcome, outcome, ways[outcome], { offer: offer.title, next: outcome === 'success' && t('success-next') });
    if (outcome !== 'cancelled') post('success', { outcome, result });
  });
}

// The way out, where somebody around us takes it.
function leave(name = 'done') { return connected && [name, () => post('exit')]; }

const ask = (path, body) => call(path, { flow, ...body });
const { THEME, dress } = look({ $, page });
const last = lastStep({ $, fill, make, money, dates, line: () => line, run, show, say, ask, proven, post });

// ---- The customer's own page

let account;
async function loadOwnPage() {
  if (account) return;
  await load('frame-account.js');
  account = ownPage({ $, t, isolate, make, money, dates, count, run, show, message, partners, leave, overview,
    label, ask });
}

// What is there now, from the beginning.
function overview() {
  run($('message-primary'), 'account', () => ask('account'), page => account.open(page));
}

// ---- The page around us

// The loader says which dashboard it is on, most browsers know it as well; else every dashboard is tried.
const around = new URLSearchParams(location.search).get('parent') || location.ancestorOrigins?.[0];
let targets = boot.dashboards.includes(around) ? [around] : boot.dashboards;

function post(type, details) {
  if (parent !== window) for (const origin of targets) parent.postMessage({ onbill: 1, type, ...details }, origin);
}

const claims = jws => {
  try {
    const bytes = Uint8Array.from(atob(jws.split('.')[1].replace(/-/g, '+').replace(/_/g, '/')), byte => byte.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) || {};
  } catch { return {}; }
};

addEventListener('message', ({ source, origin, data, ports }) => {
  if (source !== parent || parent === window || !boot.dashboards.includes(origin) || data?.onbill !== 1 || data.type !== 'init') return;
  connected = true;
  page.style.scrollbarWidth = 'none';          // the loader makes room, which may take a moment
  targets = [origin];
  if (data.theme) dress(data.theme);
  // The session comes by the channel that the loader opens once we have said that we are there.
  if (ports[0]) ports[0].onmessage = ({ data: word }) => { if (typeof word === 'string') know(word); };
  const first = shown.state === 'loading' || shown.state === 'number';
  if (first && !own && !busy && typeof data.result === 'string' && data.result) {
    const { offer } = claims(data.result);
    if (!offer || offer === boot.offer) conclude(data.result);     // else it belongs to another element of the page
  }
  start();
});

function know(assertion) {
  session = assertion;
  const { numbers } = claims(assertion);
  lines = Array.isArray(numbers) ? numbers.filter(each => /^\+\d{5,15}$/.test(each)).slice(0, 20) : [];
  const before = $('lines').querySelector(':checked')?.value;
  $('lines').replaceChildren(...lines.map((each, at) => {
    const label = make('label', isolate(pretty(each)));
    const radio = Object.assign(make('input'), { type: 'radio', name: 'line', value: each, checked: each === before || !at });
    label.prepend(radio);
    return label;
  }));
  if (number.value || document.activeElement === number) types = true;
  if (busy) return;
  pick();
  if (own && !touched && lines.length === 1 && picking) letIn();
}

// Whom the dashboard vouches for sees their own page at once. Where that fails, they begin as everybody does: nobody is sent
// a code who has not asked for one.
function letIn() {
  if (shown.state === 'loading') start();
  if (shown.state !== 'number') return;
  asked = picked();
  const ask = () => tryNumber().then(answer => /^token-/.test(answer.code) ? {} : answer);
  run($('number-submit'), 'number', ask, answer => answer.step && entered(answer));
}

// ---- Start

function start() {
  if (shown.state !== 'loading' || busy) return;
  $('main').ariaBusy = 'false';
  comeBack() || toNumber();
}

// The second tap of a double one was meant for what the first has replaced.
const on = (id, type, act) => $(id).addEventListener(type, event => {
  event.preventDefault();
  if (!busy && !(event.detail > 1)) act();
});
on('number-form', 'submit', sendNumber);
on('pin-form', 'submit', sendPin);
on('resend', 'click', sendCode);
on('number-switch', 'click', switchNumber);
on('change-number', 'click', toOther);
on('challenge-number', 'click', toOther);
on('confirm-submit', 'click', last.accept);
on('other-number', 'click', toOther);
on('opening-restart', 'click', toNumber);
WAYS.forEach((button, at) => on(button.id, 'click', () => actions[at][1]()));
on('account-number', 'click', toOther);
on('earlier', 'click', () => account.earlier());
on('unlink-yes', 'click', () => account.unlink());
on('unlink-no', 'click', () => show('account'));
for (const type of ['pointerdown', 'keydown', 'click', 'focusin']) addEventListener(type, () => { touched = true; }, true);
for (const field of [number, code]) field.addEventListener('input', () => { if (shown.error) { delete shown.error; fieldError(field); } });

// The edge has the page that says what is missing.
const lacked = lackedToken();
if (lacked) return location.replace(`${location.href}&lacks=${lacked}`);

Object.assign(strings, boot.own);
label(!boot.offer);
// Until the first step is there, the frame keeps the height that the loader has given it.
new ResizeObserver(([{ target }]) => {
  if (shown.state !== 'loading') post('resize', { height: Math.ceil(target.getBoundingClientRect().height) });
}).observe($('card'));
setInterval(tick, 1000);
setTimeout(start, INIT_WAIT_MS);
post('ready', { theme: THEME, title: document.title });
})();
