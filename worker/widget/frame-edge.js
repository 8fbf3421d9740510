// Calls to the edge: one at a time, each with its button that waits.

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
    if (name !== 'SyntaxError') return { code: 'network' };        // also where the line breaks within an answer
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
  if (on) button.words = [...button.childNodes];
  const text = on ? t(button.dataset.busy) : '';
  button.replaceChildren(...on ? [text] : button.words);
  say(text);
}

// Loads another script into the page.
function load(src) {
  const { nonce } = document.querySelector('script[nonce]');
  return new Promise((onload, onerror) => document.head.append(Object.assign(make('script'), { nonce, src, onload, onerror })));
}
