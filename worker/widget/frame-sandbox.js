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

// Goes where the link goes, in the place of the page around us. Where that is not allowed, the link opens a tab when the
// customer clicks it.
const leaveBy = link => {
  let left;
  try { left = window.open(link.href, '_top'); } catch { /* It may not even be asked. */ }
  // A browser may also find that the click was too long ago: the next one is the link's.
  if (left || navigator.userActivation?.isActive === false) return;
  const code = 'lacks-allow-top-navigation';
  link.target = '_blank';
  console.error(`onbill: ${new URL(`refusals#${code}`, location)}`);
  post('error', { code });
};
