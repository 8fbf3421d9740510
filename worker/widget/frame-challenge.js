// Shows Cloudflare's challenge, which the edge has asked for, and then makes the call `again`. Its script is loaded when it is
// needed and not before; where it does not work, no code is sent. Its solution expires, and it solves itself again: that is for
// the customer's next call, and is no call of its own.
async function challenge(again) {
  label(own);                                  // its words have come with the refusal
  show('challenge');
  try {
    window.turnstile || await load('https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit');
    $('challenge-box').replaceChildren();
    turnstile.render($('challenge-box'), { sitekey: boot.challenge.siteKey, action: 'pin', language: locale,
      callback: token => { solution = token; if (shown.state === 'challenge') again(); },
      'error-callback': () => { unsolvable(again); return true; } });
  } catch { unsolvable(again); }
}

function unsolvable(again) { if (shown.state === 'challenge') fail({ code: 'challenge-unavailable' }, 'number', again); }
