// Every refusal has its sentence and a way on. `again` repeats the call that failed.
function fail({ code: given, wait, words, wayOn }, where, again) {
  if (given === 'challenge-required' && boot.challenge) return challenge(again);
  const onResult = where === 'result';
  const onNumber = where === 'number' || where === 'resend';
  // The origin's refusal has these words: the code is used up, and a new one can be had at once. The edge's own has none.
  const spent = where === 'pin' && words?.['too-many-pins'];
  if (spent) keep();           // a reload does not come back to it
  post('error', { code: given });
  if (/^(invalid-request|number-foreign)$/.test(given) && onNumber) {
    types = true;
    pick();
    if (shown.state !== 'number') toNumber();
    fieldError(number, given);
  } else if (/^pin-(invalid|expired)$/.test(given) && where === 'pin') {
    if (given === 'pin-expired') {
      resendAt = 0;
      keep();
      $('pin-text').textContent = t('pin-text');     // how long it works is over
    }
    if (shown.state !== 'pin') show('pin');
    tick();
    fieldError(code, given);
  } else {
    const [restart, anew] = ['restart', 'again'].map(words => [words, toNumber]);
    const other = ['change-number', toOther];
    const retry = ['again', again];
    const ways = {
      'account-not-found': [other], 'account-not-eligible': [other],
      'signups-closed': [leave('close'), other],
      'already-on-bill': [['see-charges', overview], leave('close'), other],
      'suspended-non-payment': [anew], 'insufficient-balance': [anew],
      'too-many-requests': spent ? [['resend', sendCode], other]
        : where === 'pin' || where === 'resend' ? [['back-to-code', () => show('pin')], other]
        : where === 'confirm' ? [['again', () => show('confirm')]] : onNumber ? [anew] : [retry],
      'token-expired': [restart], 'token-invalid': [restart],
    };
    const text = onResult ? given.replace('token', 'result') : given.replace('token-invalid', 'token-expired');
    const known = ways[given] || strings[`${text}-title`] ? given : 'unexpected';        // the others say nothing to a customer
    retryAt = wait > 0 && !spent ? now() + Math.min(wait, 86400) * 1000 : 0;
    // The page of the operator's that helps comes first. It replaces the one around us, as the partner's does.
    const page = wayOn && [wayOn.label, () => goTo(wayOn.url)];
    message('error', text, [page, ...ways[known] || [retry, restart]], { text: spent ? 'too-many-pins' : words?.reason });
    shown.error = known;
    tick();
    announce();
  }
}
