// The last step before the partner: what is agreed, and the way on. The words are the origin's, which keeps their hash: nothing
// is added to them here or left out. Only the number, the price and the day are filled in, as this language writes them.

const link = ({ label, url }) => Object.assign(make('a', label), { href: url, target: '_blank', rel: 'noreferrer' });

const READ_MS = 1000;        // a second tap that was meant for the words before is over by then
let held, agreed;

// What is agreed, and what it has come to (frame.js): pairs of label and text.
const pairs = ({ rows, price, date }) => rows.map(({ label, text }) => {
  const values = { line, price: price && money(price), date: date && dates('UTC', 'long').format(new Date(date)) };
  const pair = make('div');
  pair.append(make('dt', label), ' ', make('dd', fill(text, values)), ' ');      // the spaces are for a reader's voice
  return pair;
});

// The texts of the step that are not in a list. The title and the notice are others while the partner opens.
const write = parts => { for (const [part, text] of Object.entries(parts)) $(`agreed-${part}`).textContent = text; };

// `notice` says why the customer reads the step again.
function showAgreed({ notice = '', agreement }) {
  const { title, note, consent, links, accept } = agreed = agreement;
  write({ title, notice, note, consent });
  $('agreed').replaceChildren(...pairs(agreement));
  $('agreed-links').replaceChildren(...links.filter(({ url }) => /^https?:/.test(url)).map(link));
  $('confirm-submit').textContent = accept;
  hold(notice);
  show('confirm');
  if (notice) say(notice);
}

function hold(isOn) {
  clearTimeout(held);
  $('confirm-submit').ariaDisabled = String(!!isOn);
  if (isOn) held = setTimeout(hold, READ_MS);
}

function accept() {
  if ($('confirm-submit').ariaDisabled === 'true') return;
  run($('confirm-submit'), 'confirm', () => ask('signup'), answer => {
    if (answer.step) return proven(answer);
    const to = new URL(answer.url);
    if (!/^https?:$/.test(to.protocol)) throw new TypeError('url');
    $('partner-link').href = to.href;
    write({ title: t('opening-title'), notice: '' });
    show('opening', 'confirm');
    leaveBy($('partner-link'));
  });
}

// Back by the browser's button, the page may be as it was left: the flow is still good, and the step can be taken again.
addEventListener('pageshow', ({ persisted }) => {
  if (persisted && shown.state === 'opening') showAgreed({ agreement: agreed });
});
