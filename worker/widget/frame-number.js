// The first step: a number is picked or typed, and sent. What is right or wrong about it is decided behind the edge, not here.

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
  $('number-submit').replaceChildren(...picking && !others.length ? withLine('use-line', pretty(only)) : [t('continue')]);
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
  warnOfSession();
  return tryNumber();
}

function tryNumber() {
  const purpose = own ? { view: 'account' } : { offer: boot.offer };
  const challengeToken = solution;
  solution = undefined;      // it is good for one call
  line = pretty(asked);
  return call('account/validate', { ...purpose, msisdn: asked, returnURL: boot.returnURL || undefined, page: around, session, frame: session && me, challengeToken });
}
