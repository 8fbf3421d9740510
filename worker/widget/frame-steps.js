// What is on the screen: one step at a time, complaints at its fields, and the message that a step can end in.

// Shows one section and leaves the others; `name` is what tests, styles and the page around us know the step by.
function show(name, section = name) {
  shown.state = name;
  delete shown.error;
  for (const each of document.querySelectorAll('section')) each.hidden = each.id !== section;
  // While the partner opens, its step stays, with a link in the place of the button for when nothing happens.
  $('opening').hidden = $('partner-link').hidden = name !== 'opening';
  $('agreed-consent').hidden = $('confirm-submit').hidden = name === 'opening';
  if (name !== 'error') {                    // a failure is within the step that it stops
    const reached = { number: 1, challenge: 1, pin: 2, confirm: 3, opening: 3 }[name];
    $('progress').hidden = !reached;
    $('step').textContent = reached ? t('step', { step: reached, steps: 3 }) : '';
    document.querySelectorAll('#progress i').forEach((bar, at) => { bar.className = at < reached ? 'on' : ''; });
  }
  fieldError(number);
  fieldError(code);
  otp?.abort();
  if (name === 'pin') awaitSms();
  const heading = $(section).querySelector('h1');
  if (touched) ({ pin: code, opening: $('partner-link') }[name] || heading).focus();
  say(touched ? '' : heading.textContent);
  if (name !== 'error') post('step', { step: name });
  tick();
}

function say(text) { $('status').textContent = text; }

function fieldError(field, key) {
  $(`${field.id}-error`).textContent = key ? t(strings[key] ? key : 'unexpected') : '';
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
  $('message-rows').replaceChildren(...values?.rows || []);
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
  say(['title', 'text', 'rows', 'next', 'when'].slice(touched ? 1 : 0).map(id => $(`message-${id}`).textContent).join(' '));
}

// Counts down what the customer may have to wait for.
function tick() {
  const resend = Math.ceil((resendAt - now()) / 1000);
  $('resend').ariaDisabled = String(busy || resend > 0);
  countDown('resend-hint', resend > 0 ? t('resend-when', { when: when(resend) }) : '', resend <= 0 && shown.state === 'pin' && t('resend-now'));
  const retry = Math.ceil((retryAt - now()) / 1000);
  const text = shown.error !== 'too-many-requests' || !retryAt ? ''
    : retry > 0 ? t('retry-when', { when: when(retry) }) : t('retry-now');
  countDown('message-when', text, retry <= 0 && text);
}

// Who does not see it is told once that it is `over`.
function countDown(id, text, over) {
  const before = $(id).textContent;
  $(id).textContent = text;
  if (before && over && before !== over) say(over);
}
