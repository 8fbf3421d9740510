// The payment frame's behaviour: number → PIN → confirm → partner, and the closing state on the way back; or number → PIN →
// the customer's own page. The last step is in frame-confirm.js, the own page in frame-account.js.
// Number, PIN, session and flow live in this page's memory and in request bodies only: never in a URL, storage or the console.
// What is right or wrong about a number is decided behind the edge, not here.
(() => {
'use strict';
const $ = id => document.getElementById(id);
const boot = JSON.parse($('boot').textContent);
const { operator, partner, partners, strings, locale } = boot;
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
let solution, turnstile;     // of a challenge: its one-time solution, and its script once loaded
let own, busy = false;       // own: it is about the customer's own page, not about an offer
let connected = false;       // a loader has spoken to us
let touched = false;         // the customer has: from then on focus follows the steps
let resendAt = 0, retryAt = 0;
let actions = [];

// ---- Words

const isolate = text => page.dir === 'rtl' ? `\u2068${text}\u2069` : text;
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => name in values ? isolate(values[name]) : whole);
// A sentence of the edge's is its own words.
const t = (key, values) => fill(own && strings[`own-${key}`] || strings[key] || key,
  { operator: operator.name, partner: partner?.name || '', digits: count(digits), ...values });
const count = (value, unit) => new Intl.NumberFormat(locale, unit && { style: 'unit', unit, unitDisplay: 'long' }).format(value);
const when = seconds => {
  const [size, unit] = seconds < 90 ? [1, 'second'] : seconds < 5400 ? [60, 'minute'] : [3600, 'hour'];
  return new Intl.RelativeTimeFormat(locale).format(Math.ceil(seconds / size), unit);
};
// The minor units of ISO 4217; Intl's own default follows CLDR, which shows some currencies without theirs.
const money = ({ value, currency }) => {
  const decimals = /BIF|CLP|DJF|GNF|ISK|JPY|KMF|KRW|PYG|RWF|UGX|VND|VUV|XAF|XOF|XPF/.test(currency) ? 0
    : /BHD|IQD|JOD|KWD|LYD|OMR|TND/.test(currency) ? 3 : 2;
  const text = new Intl.NumberFormat(locale, { style: 'currency', currency,
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
  const reached = { number: 1, challenge: 1, pin: 2, confirm: 3, opening: 3, success: 3, pending: 3 }[name];
  if (reached) [...$('progress').children].forEach((bar, at) => { bar.className = at < reached ? 'on' : ''; });
  fieldError(number);
  fieldError(code);
  const heading = $(section).querySelector('h1');
  if (touched) heading.focus();
  say(touched ? '' : heading.textContent);
  if (name !== 'error') post('step', { step: name });
  tick();
}

function say(text) { $('status').textContent = text; }

function fieldError(field, key) {
  $(`${field.id}-error`).textContent = key ? t(key) : '';
  field.removeAttribute('aria-invalid');
  if (!key) return;
  field.setAttribute('aria-invalid', 'true');
  shown.error = key;
  field.focus();
  field.select();
}

// The section for anything that ends a step: failures and closing states. `ways` are the buttons, the best one first.
function message(name, key, ways, values) {
  $('message-title').textContent = t(`${key}-title`);
  $('message-text').textContent = t(values?.text || key, values);
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
  say(['message-title', 'message-text', 'message-when'].slice(touched ? 1 : 0).map(id => $(id).textContent).join(' '));
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

// Answers the JSON of a 2xx, else `{code, wait}`, and what the operator says of the account.
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
  if (ok && answer) return answer;
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
function fail({ code: given, wait, text: said, wayOn }, where, again) {
  if (given === 'challenge-required' && boot.challenge) return challenge(again);
  const onResult = where === 'result';
  const onNumber = where === 'number' || where === 'resend';
  post('error', { code: given });
  if (given === 'invalid-request' && onNumber) {
    if (shown.state !== 'number') toNumber();
    fieldError(number, given);
  } else if (/^pin-(invalid|expired)$/.test(given) && where === 'pin') {
    if (given === 'pin-expired') resendAt = 0;
    if (shown.state !== 'pin') show('pin');
    tick();
    fieldError(code, given);
  } else {
    const [restart, other, anew] = ['restart', 'change-number', 'again'].map(words => [words, toNumber]);
    const retry = ['again', again];
    const ways = {
      'account-not-found': [other], 'account-not-eligible': [other],
      'already-on-bill': [['see-charges', account.overview], leave(), other],
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
    message('error', text, [page, ...ways[known] || [retry, restart]], { text: spent ? 'too-many-pins' : said });
    shown.error = known;
    tick();
    announce();
  }
}

// ---- The journey

function toNumber() { show('number'); }

function sendNumber() {
  const typed = number.value.replace(/\p{Cf}/gu, '').trim();     // without marks of direction and the like
  if (!typed || [...typed].length > NUMBER_MAX) return fieldError(number, typed ? 'number-long' : 'number-empty');
  run($('number-submit'), 'number', validate, entered);
}

// Always the number as typed; also the way to a new code.
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
  return call('account/validate', { ...purpose, msisdn: number.value.trim(), returnURL: boot.returnURL || undefined, session, frame: session && me, challengeToken });
}

// Shows Cloudflare's challenge, which the edge has asked for, and then makes the call `again`. Its script is loaded when it is
// needed and not before; where it does not work, no code is sent.
async function challenge(again) {
  show('challenge');
  try {
    turnstile ||= await loadTurnstile();
    $('challenge-box').replaceChildren();
    turnstile.render($('challenge-box'), { sitekey: boot.challenge.siteKey, action: 'pin', language: locale,
      callback: token => { solution = token; again(); },
      'error-callback': () => { unsolvable(again); return true; } });
  } catch { unsolvable(again); }
}

function unsolvable(again) { if (shown.state === 'challenge') fail({ code: 'challenge-unavailable' }, 'number', again); }

function loadTurnstile() {
  return new Promise((loaded, failed) => {
    const script = document.createElement('script');
    script.nonce = document.querySelector('script[nonce]').nonce;
    script.src = 'https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit';
    script.onload = () => window.turnstile ? loaded(window.turnstile) : failed();
    script.onerror = failed;
    document.head.append(script);
  });
}

function entered(answer) {
  if (answer.step !== 'pin') return proven(answer);
  flow = answer.flow;
  digits = answer.digits || 6;
  code.value = '';
  resendAt = now() + RESEND_SECONDS * 1000;
  const minutes = Math.round((Date.parse(answer.expiresAt) - Date.now()) / 60000);
  const valid = minutes > 0 && minutes < 60;     // a wrong clock on the device says nothing
  $('pin-text').textContent = t('pin-text') + (valid ? ' ' + t('pin-valid', { minutes: count(minutes, 'minute') }) : '');
  $('code-label').textContent = t('pin-label');
  show('pin');
}

// The letters and digits of a typed code, in ASCII digits: keyboards, clipboards and bidirectional text add the rest. The
// decimal digits of every script stand in a row of ten in Unicode.
const symbols = typed => (typed.match(/[\p{L}\p{N}]/gu) || []).map(symbol => {
  const isDigit = point => /\p{Nd}/u.test(String.fromCodePoint(point));
  const point = symbol.codePointAt(0);
  if (!isDigit(point)) return symbol;
  let before = 0;
  while (isDigit(point - before - 1)) before += 1;
  return before % 10;
}).join('');

function sendPin() {
  const pin = symbols(code.value);
  if (!/^\d+$/.test(pin) || pin.length !== digits) return fieldError(code, 'pin-short');
  run($('pin-submit'), 'pin', () => call('pin', { flow, pin }), proven);
}

function sendCode() {
  if (resendAt > now() && shown.state === 'pin') return;
  const button = shown.state === 'pin' ? $('resend') : $('message-primary');
  run(button, 'resend', validate, answer => { entered(answer); if (answer.step === 'pin') say(t('resent')); });
}

function proven(answer) {
  const { step } = answer;
  flow = answer.flow;
  code.value = '';
  if (step === 'account') return account.open(answer);
  if (step === 'already-on-bill') return fail({ code: step }, 'number');
  if (step !== 'confirm') throw new TypeError('step');
  last.open(answer);
}

function conclude(result) {
  if (result === closing) return;
  closing = result;
  run(null, 'result', () => call('result', { result }), ({ outcome, offer }) => {
    const ways = { success: [leave()], pending: [leave()], cancelled: [['again', toNumber], leave('not-now')] };
    message(outcome, outcome, ways[outcome], { offer: offer.title });
    if (outcome !== 'cancelled') post('success', { outcome, result });
  });
}

// The way out, where somebody around us takes it.
function leave(name = 'done') { return connected && [name, () => post('exit')]; }

const ask = (path, body) => call(path, { flow, ...body });
const last = lastStep({ $, fill, make, money, dates, number, run, show, say, ask, proven, post });
const account = ownPage({ $, t, isolate, make, money, dates, run, show, message, partners, leave,
  learn: words => { Object.assign(strings, words); label(true); },
  ask: (path, body) => { if (!own) label(true); return ask(path, body); } });

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
  const theirs = Array.isArray(numbers) ? numbers.filter(each => /^\+\d{5,15}$/.test(each)).slice(0, 20) : [];
  if (theirs.length === 1) number.value ||= theirs[0];
  $('own-numbers').replaceChildren(...theirs.map(each => new Option(each)));
  theirs.length > 1 ? number.setAttribute('list', 'own-numbers') : number.removeAttribute('list');
  if (own && !touched && theirs.length === 1 && number.value === theirs[0]) letIn();
}

// Whom the dashboard vouches for sees their own page at once. Where that fails, they begin as everybody does: nobody is sent
// a code who has not asked for one.
function letIn() {
  if (shown.state === 'loading') start();
  if (shown.state !== 'number') return;
  const ask = () => tryNumber().then(answer => /^token-/.test(answer.code) ? {} : answer);
  run($('number-submit'), 'number', ask, answer => answer.step && entered(answer));
}

// The variables of the operator's look, which the loader reads from its page.
const THEME = ['accent', 'accent-text', 'background', 'text', 'muted', 'border', 'danger', 'radius', 'font', 'color-scheme'];

// Takes the operator's look, value by value, when it is a plain one: no url(), var() or anything else that fetches or refers.
function dress(theme) {
  const property = { radius: 'border-radius', font: 'font-family', 'color-scheme': 'color-scheme' };
  const set = {};
  for (const name of THEME) {
    const value = typeof theme[name] === 'string' ? theme[name].trim() : '';
    const plain = value.length < 200 && /^[\w\s#%.,()/+'"-]+$/.test(value) && !/url|var|env|attr|image/i.test(value)
      && (name !== 'radius' || /^[\d.]+(px|r?em)?$/.test(value)) && CSS.supports(property[name] || 'color', value);
    if (plain) set[name] = value;
    name === 'color-scheme' || page.style.setProperty(`--onbill-${name}`, set[name] || '');
  }
  // What the operator left out has to stay readable on what it chose.
  const scheme = /^(light|dark)$/.test(set['color-scheme']) ? set['color-scheme'] : set.background && (bright(set.background) ? 'light' : 'dark');
  page.style.colorScheme = scheme || '';
  if (set.accent && !set['accent-text']) page.style.setProperty('--onbill-accent-text', bright(set.accent) ? '#111' : '#fff');
}

// Whether black reads better on the colour than white (WCAG relative luminance); the mix makes any notation sRGB numbers.
function bright(color) {
  const probe = $('status');
  probe.style.color = `color-mix(in srgb, ${color}, ${color})`;
  const [r, g, b] = getComputedStyle(probe).color.match(/-?[\d.]+(e-\d+)?/g).map(c => c <= .04045 ? c / 12.92 : ((+c + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b > .179;
}

// ---- Start

function start() {
  if (shown.state !== 'loading' || busy) return;
  $('main').ariaBusy = 'false';
  toNumber();
}

const on = (id, type, act) => $(id).addEventListener(type, event => { event.preventDefault(); if (!busy) act(); });
on('number-form', 'submit', sendNumber);
on('pin-form', 'submit', sendPin);
on('resend', 'click', sendCode);
on('change-number', 'click', toNumber);
on('challenge-number', 'click', toNumber);
on('confirm-submit', 'click', last.accept);
on('other-number', 'click', toNumber);
on('opening-restart', 'click', toNumber);
WAYS.forEach((button, at) => on(button.id, 'click', () => actions[at][1]()));
on('account-number', 'click', toNumber);
on('earlier', 'click', account.earlier);
on('unlink-yes', 'click', account.unlink);
on('unlink-no', 'click', account.keep);
for (const type of ['pointerdown', 'keydown']) addEventListener(type, () => { touched = true; }, true);
for (const field of [number, code]) field.addEventListener('input', () => { if (shown.error) { delete shown.error; fieldError(field); } });

// The edge has the page that says what is missing.
const lacked = lackedToken();
if (lacked) return location.replace(`${location.href}&lacks=${lacked}`);

label(!boot.offer);
new ResizeObserver(() => post('resize', { height: Math.ceil($('card').getBoundingClientRect().height) })).observe($('card'));
setInterval(tick, 1000);
setTimeout(start, INIT_WAIT_MS);
post('ready', { theme: THEME, title: document.title });
})();
