// Shows Cloudflare's challenge, which the edge has asked for, and then makes the call `again`. Its script is loaded when it is
// needed and not before; where it does not work, no code is sent. Its solution expires, and it solves itself again: that is for
// the customer's next call, and is no call of its own.
async function challenge(again) {
  label(own);                                  // its words have come with the refusal
  show('challenge');
  try {
    window.turnstile || await load('https://challenges.cloudflare.com/turnstile/v0/api.js?render=explicit');
    const box = $('challenge-box');
    box.replaceChildren();
    // All of its sizes but the compact one need 300 px. Its own choice of colours would be the device's.
    turnstile.render(box, { sitekey: boot.challenge.siteKey, action: 'pin', language: locale,
      size: box.offsetWidth < 300 ? 'compact' : 'flexible', theme: page.style.colorScheme || 'auto',
      callback: token => { solution = token; if (shown.state === 'challenge') again(); },
      'error-callback': () => { unsolvable(again); return true; } });
  } catch { unsolvable(again); }
}

function unsolvable(again) { if (shown.state === 'challenge') fail({ code: 'challenge-unavailable' }, 'number', again); }
