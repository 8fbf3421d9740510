// What people type into the frame's fields, and how it is shown to them.
'use strict';                // all of the frame's script, which begins here

// The letters and digits of a typed code, in ASCII digits: keyboards, clipboards and bidirectional text add the rest. The
// decimal digits of every script stand in a row of ten in Unicode.
const symbols = typed => (typed.match(/[\p{L}\p{N}]/gu) || []).map(symbol => {
  const isDigit = point => /\p{Nd}/u.test(String.fromCodePoint(point));
  const point = symbol.codePointAt(0);
  if (!isDigit(point)) return symbol;
  let before = 0;
  while (isDigit(point - before - 1)) before += 1;
  return before % 10;
}).join('');

// A number as people write it here, if it has the digits of a number here; else as it was typed. A 0 before it is dialled only
// within the country.
const numberWriter = numbers => typed => {
  if (!numbers) return typed;
  const { code: calling, format } = numbers;
  const all = symbols(typed);
  const abroad = all.replace(RegExp(`^(00|011)?${calling}`), '');
  for (const each of /[+\uff0b]/.test(typed) ? [abroad] : [all, abroad]) {
    const own = each.replace(/^0/, '');
    for (const way of format.split('|')) {
      const digits = way.replace(/[^\d#]/g, '').replace(/^#/, '[1-9]').replace(/#/g, '\\d');
      let at = 0;
      if (RegExp(`^${digits}$`).test(own)) return `+${calling} ${way.replace(/[\d#]/g, () => own[at++])}`;
    }
  }
  return typed;
};
