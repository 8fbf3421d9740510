// What a sandbox around the frame may keep from it: the `sandbox` attribute of an iframe, this one or one around the page. No
// property says what is allowed, so that each is tried.

const lackedToken = () => {
  if (origin === 'null') return 'allow-same-origin';
  const form = document.createElement('form');
  let isSubmitted = false;
  form.onsubmit = event => { event.preventDefault(); isSubmitted = true; };
  document.body.append(form);
  form.requestSubmit();
  form.remove();
  return !isSubmitted && 'allow-forms';
};

// Goes to a page in the place of the one around us, or finds that it may not.
const isKept = url => {
  let left;
  try { left = open(url, '_top'); } catch { /* It may not even be asked. */ }
  // A browser may also find that the click was too long ago: the next one is the customer's.
  if (left || navigator.userActivation?.isActive === false) return false;
  const code = 'lacks-allow-top-navigation';
  console.error(`onbill: ${new URL(`refusals#${code}`, location)}`);
  post('error', { code });
  return true;
};

// Where that is not allowed, a link opens a tab when the customer clicks it, and a button, which they have clicked, opens one.
const leaveBy = link => { if (isKept(link.href)) link.target = '_blank'; };
const goTo = url => { if (isKept(url)) open(url, '_blank', 'noreferrer'); };
