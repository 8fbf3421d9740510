// What people type into the frame's fields, and how it is shown to them.
'use strict';
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

// A number as people write it here, if it has as many digits as numbers here have; else as it was typed.
const numberWriter = numbers => typed => {
  if (!numbers) return typed;
  const { code: calling, format } = numbers;
  const all = symbols(typed);
  const abroad = all.replace(RegExp(`^(00|011)?${calling}`), '');
  const wanted = format.split('#').length - 1;
  const own = (/[+\uff0b]/.test(typed) ? [abroad] : [all, abroad, all.replace(/^0/, '')]).find(each => each.length === wanted);
  let at = 0;
  return /^\d+$/.test(own) ? `+${calling} ${format.replace(/#/g, () => own[at++])}` : typed;
};
