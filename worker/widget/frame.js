// The payment frame's behaviour: number → PIN → confirm → partner, and the closing state on the way back; or number → PIN →
// the customer's own page. Here is what joins the steps, and the beginning; each step has a file of its own. All these files are
// one script (routes/widget/frame.rs), in one scope, of which this one comes last. The own page (frame-account.js) is another
// script, which is loaded when there is one to show.

function proven(answer) {
  const { step } = answer;
  flow = answer.flow;
  code.value = '';
  keep();
  if (step === 'account') return account.open(answer);
  if (step === 'already-on-bill') return fail({ code: step }, 'number');
  if (step !== 'confirm') throw new TypeError('step');
  showAgreed(answer);
}

function conclude(result) {
  if (result === closing) return;
  closing = result;
  run(null, 'result', () => call('result', { result }), ({ outcome, offer, accountURL, summary }) => {
    const go = (words, url) => /^https?:/.test(url) && [words, () => goTo(url)];
    const seen = go('account-page', accountURL);
    const ways = { success: [go('open-partner', partner.url), seen, leave()], pending: [leave(), seen], cancelled: [['again', toNumber], leave('not-now')] };
    message(outcome, outcome, ways[outcome], { offer: offer.title, rows: summary && pairs(summary),
      next: outcome === 'success' && t('success-next') });
    if (outcome !== 'cancelled') post('success', { outcome, result });
  });
}

const ask = (path, body) => call(path, { flow, ...body });

// ---- The customer's own page

let account;
async function loadOwnPage() {
  if (account) return;
  await load('frame-account.js');
  account = ownPage({ $, t, isolate, make, money, dates, count, single, run, show, message, partners, leave, overview,
    label, ask });
}

// What is there now, from the beginning.
function overview() {
  run($('message-primary'), 'account', () => ask('account'), page => account.open(page));
}

// ---- The beginning

function start() {
  if (shown.state !== 'loading' || busy) return;
  $('main').ariaBusy = 'false';
  comeBack() || toNumber();
}

// The second tap of a double one was meant for what the first has replaced.
const single = act => event => {
  event.preventDefault();
  if (!busy && !(event.detail > 1)) act();
};
const on = (id, type, act) => $(id).addEventListener(type, single(act));
on('number-form', 'submit', sendNumber);
on('pin-form', 'submit', sendPin);
on('resend', 'click', sendCode);
on('number-switch', 'click', switchNumber);
on('change-number', 'click', toOther);
on('challenge-number', 'click', toOther);
on('confirm-submit', 'click', accept);
on('other-number', 'click', toOther);
WAYS.forEach((button, at) => on(button.id, 'click', () => actions[at][1]()));
on('account-number', 'click', toOther);
on('earlier', 'click', () => account.earlier());
on('unlink-yes', 'click', () => account.unlink());
on('unlink-no', 'click', () => show('account'));
for (const type of ['pointerdown', 'keydown', 'click', 'focusin']) addEventListener(type, () => { touched = true; }, true);
for (const field of [number, code]) field.addEventListener('input', () => { if (shown.error) { delete shown.error; fieldError(field); } });

function begin() {
  // The edge has the page that says what is missing.
  const lacked = lackedToken();
  if (lacked) return location.replace(`${location.href}&lacks=${lacked}`);

  Object.assign(strings, boot.own);
  label(!boot.offer);
  // Until the first step is there, the frame keeps the height that the loader has given it. In its column it then never becomes
  // lower: what stands below it would move up for one step and down for the next. The own page does, whose list may be long.
  let column, tallest;
  new ResizeObserver(([{ target }]) => {
    const { width, height } = target.getBoundingClientRect();
    if (own || column !== width + page.className) tallest = 0;
    column = width + page.className;
    tallest = Math.max(tallest, Math.ceil(height));
    if (shown.state !== 'loading') post('resize', { height: tallest });
  }).observe($('card'));
  setInterval(tick, 1000);
  setTimeout(start, INIT_WAIT_MS);
  post('ready', { theme: THEME, title: document.title });
}
begin();
