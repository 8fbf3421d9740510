// The customer's own page within the payment frame: what is linked to the number, what was charged, and unlinking, which has
// to be confirmed. How a number is proven, and how the edge is asked, is in the frame's own script, which loads this one. Its
// style comes with it: most customers never see this page.
'use strict';
const ownPage = ({ $, t, isolate, make, money, dates, count, run, show, message, partners, leave, overview, label, ask,
  single = act => act,                               // a frame that was opened before an update has none
}) => {
const [moment, day] = [dates(), dates('UTC')];       // a time is the reader's; a day is the same everywhere
const on = time => moment.format(new Date(time)).replaceAll(' ', '\xa0');       // it stays on one line
const nameOf = partner => partners[partner] || partner;
const amountOf = amount => isolate(money(amount));
// A name, or a span of days, stays whole where its sentence breaks, if the line is wide enough.
const whole = (key, name, value) => {
  const [before, after] = t(key, { [name]: '\n' }).split('\n');
  return [before, make('bdi', value), after];
};
const dayOf = date => day.format(new Date(date)).replace(' ', '\xa0');        // its month stays with it, and the year may go on

const sheet = new CSSStyleSheet();
sheet.replaceSync(ONBILL_STYLE);
document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];

let cursor, wanted;

// `{subscriptions, charges, cursor}`: the first page of them. The frame has its words by now.
function open(page) {
  const { subscriptions, charges } = page;
  label(true);
  $('links').replaceChildren(...subscriptions.map(link));
  $('charges').replaceChildren();
  add(page);
  $('links').hidden = !subscriptions.length;
  $('charges').hidden = !charges.length;
  $('charges-title').hidden = !subscriptions.length;
  $('no-charges').textContent = charges.length ? '' : t(subscriptions.length ? 'none-yet' : 'nothing');
  show('account');
}

function link({ subscription, partner, title, since, state, status = 'ACTIVE', paidUntil, endsByItself, canUnlink, ended }, at) {
  const item = document.createElement('li');
  const name = title || nameOf(partner);
  const heading = make('h2', isolate(name));
  heading.id = `link-${at}`;
  const stands = (state === 'ACTIVE' ? status : state).toLowerCase();       // what is open may be over at the partner
  item.dataset.stands = stands;
  item.append(heading, make('p', t(`link-${stands}`), 'badge'), make('p', t('since', { date: on(since) }), 'meta'));
  if (state === 'SUSPENDED') item.append(make('p', t('held'), 'meta'));
  if (state === 'ACTIVE' && status !== state) item.append(make('p', t(`${stands}-there`, { partner: nameOf(partner) }), 'meta'));
  if (paidUntil) item.append(make('p', t('paid-until', { date: dayOf(paidUntil) }) + (endsByItself ? ' ' + t('ends-by-itself') : ''), 'meta'));
  if (ended) {
    const date = ended.at && t('ended', { date: on(ended.at) });
    item.append(make('p', [date, t(`reason-${ended.reason}`)].filter(Boolean).join(' '), 'meta'));
  } else if (canUnlink !== false) {
    const button = make('button', t('unlink'));
    button.type = 'button';
    button.id = `unlink-${at}`;
    button.setAttribute('aria-labelledby', `unlink-${at} link-${at}`);     // there may be several with these words
    button.onclick = single(() => confirm({ subscription, title: name, partner: nameOf(partner), paidUntil }));
    item.append(button);
  }
  return item;
}

const daysOf = ({ from, to }) => day.formatRange(new Date(from), new Date(to));

function charge(which) {
  const { at, description, servicePeriod, amount, status, declineReason, billedOn, refunded, refunding, reference } = which;
  const item = document.createElement('li');
  item.dataset.status = status;
  item.tabIndex = -1;
  const period = make('p', '', 'meta');
  period.append(...whole('period', 'period', daysOf(servicePeriod)));
  item.append(make('strong', isolate(description)), make(declineReason ? 's' : 'b', amountOf(amount)), make('span', on(at), 'meta'),
    make('span', t(`charge-${status.toLowerCase()}`), 'badge'), period);
  if (declineReason) item.append(make('p', t(`reason-${declineReason}`), 'meta'));
  if (billedOn) item.append(make('p', t('billed-on', { date: dayOf(billedOn) }), 'meta'));
  if (refunded) item.append(make('p', t('refunded', { amount: money(refunded) }), 'good'));
  if (refunding) item.append(make('p', t('refunding', { amount: money(refunding) }), 'meta'));
  if (reference) {
    const button = make('button', t('receipt'), 'quiet');
    button.type = 'button';
    button.id = `receipt-${reference}`;
    item.firstChild.id = `charge-${reference}`;
    button.setAttribute('aria-labelledby', `${button.id} charge-${reference}`);
    button.onclick = single(() => receipt(which, button));
    item.append(button);
  }
  return item;
}

// Drawn when it is asked for. The frame prints what it shows.
function receipt({ at, partner, description, servicePeriod, amount, tax, billedOn, refunded, reference }, from) {
  const [section, heading, rows] = [$('receipt') || make('section'), make('h1', t('receipt-title')), make('dl')];
  const within = tax && t('receipt-tax-part', { tax: money(tax) });          // where none is stated, nothing is said of it
  const facts = { partner: nameOf(partner), plan: description, period: daysOf(servicePeriod), amount: money(amount), tax: within, date: on(at), reference };
  for (const [key, value] of Object.entries(facts)) {
    if (!value) continue;
    const row = make('div');
    row.append(make('dt', t(`receipt-${key}`)), make('dd', isolate(value)));
    rows.append(row);
  }
  const [print, back] = [make('button', t('print'), 'primary'), make('button', t('overview'))];
  print.type = back.type = 'button';
  print.onclick = single(() => window.print());
  back.onclick = single(() => { show('account'); from.focus(); });
  const notes = [billedOn && t('billed-on', { date: dayOf(billedOn) }), refunded && t('refunded', { amount: money(refunded) })];
  section.id = 'receipt';
  heading.tabIndex = -1;
  section.replaceChildren(heading, rows, ...notes.filter(Boolean).map(note => make('p', note, 'meta')), print, back);
  $('account').after(section);
  show('receipt');
}

function add({ charges, cursor: next }) {
  const items = charges.map(charge);
  $('charges').append(...items);
  cursor = next;
  $('earlier').hidden = !cursor;
  return items[0];
}

// The focus goes on where the list does: the button may be gone.
function earlier() {
  run($('earlier'), 'account', () => ask('account', { cursor }), page => {
    const first = add(page);
    if (document.body.dataset.state !== 'account') show('account');
    (first || $('charges-title')).focus();
  });
}

// Days that are paid for are counted with today and the last one.
function confirm({ paidUntil, ...which }) {
  wanted = which;
  $('unlink-title').replaceChildren(...whole('unlink-title', 'title', wanted.title));
  const points = ['unlink-bill', 'unlink-partner', 'unlink-past'].map(key => make('li', t(key, wanted)));
  if (paidUntil) {
    const days = Math.ceil((Date.parse(paidUntil) - Date.now()) / 864e5) + 1;
    points.unshift(make('li', t('unlink-paid', { days: count(days, 'day'), date: dayOf(paidUntil) })));
  }
  $('unlink-list').replaceChildren(...points);
  show('unlink');
}

function unlink() {
  const { subscription } = wanted;
  run($('unlink-yes'), 'unlink', () => ask('account/unlink', { subscription }), ({ subscription: { state } }) => {
    if (state !== 'CLOSED') throw new TypeError('state');
    message('unlinked', 'unlinked', [['overview', overview], leave()], wanted);
  });
}

return { open, earlier, unlink };
};
