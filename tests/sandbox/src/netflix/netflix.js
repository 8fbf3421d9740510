// The partner's own script: groups a code while it is typed. Without it everything works as well; what is sent is read in
// any case and with any spaces and dashes.

const code = document.getElementById('code');
code?.addEventListener('input', ({ inputType }) => {
  const symbols = text => text.replace(/[\s\u2010-\u2015-]/g, '');
  const typed = symbols(code.value);
  // What cannot be a code is left as it is, so that its mistake can be seen.
  if (!/^[a-z0-9]*$/i.test(typed)) return;
  const before = symbols(code.value.slice(0, code.selectionStart)).length;
  code.value = typed.toUpperCase().replace(/.{4}(?=.)/g, '$&-');
  // The caret stays behind the symbol that it was behind: after a whole group on the far side of the dash, but for one
  // who deletes, who would never get past it.
  const dashes = Math.floor((inputType?.startsWith('delete') ? before - 1 : before) / 4);
  const at = before + Math.max(dashes, 0);
  code.setSelectionRange(at, at);
});
