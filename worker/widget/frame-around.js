// The page around the frame: what it is told, what it says, and whom it vouches for.

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
  // The session comes by the channel that the loader opens once we have said that we are there. The edge would refuse a call
  // with a longer one (its limit is 16 KB with all else that is in the call), and the customer could not go on with a code.
  if (ports[0]) ports[0].onmessage = ({ data: word }) => { typeof word === 'string' && word.length < 1e4 ? know(word) : warnOfSession(); };
  const first = shown.state === 'loading' || shown.state === 'number';
  if (first && !own && !busy && typeof data.result === 'string' && data.result) {
    const { offer } = claims(data.result);
    if (!offer || offer === boot.offer) conclude(data.result);     // else it belongs to another element of the page
  }
  start();
});

const warnOfSession = () => console.warn(`onbill: ${new URL('refusals#session', location)}`);

// A session that comes again, about the same lines, leaves them as they are: one of them may have the focus.
function know(assertion) {
  session = assertion;
  const { numbers } = claims(assertion);
  const known = String(lines);
  lines = Array.isArray(numbers) ? numbers.filter(each => /^\+\d{5,15}$/.test(each)).slice(0, 20) : [];
  const before = $('lines').querySelector(':checked')?.value;
  if (String(lines) !== known) $('lines').replaceChildren(...lines.map((each, at) => {
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
  const ask = () => tryNumber().then(answer => /^token-/.test(answer.code) ? warnOfSession() || {} : answer);
  run($('number-submit'), 'number', ask, answer => answer.step && entered(answer));
}

// The way out, where somebody around us takes it.
function leave(name = 'done') { return connected && [name, () => post('exit')]; }
