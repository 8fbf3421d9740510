// The second step: the code from the SMS.

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
  $('pin-to').replaceChildren(...withLine('pin-to', line));
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
  if (!asked) {                                // after a reload, which comes back here as long as the code is good
    types = true;
    pick();
    return show('number');
  }
  const button = shown.state === 'pin' ? $('resend') : $('message-primary');
  run(button, 'resend', validate, answer => { entered(answer); if (answer.step === 'pin') say(t('resent')); });
}
