// The widget's own words, so that a test can say which sentence the customer must read.

import fs from 'node:fs';

const read = locale => JSON.parse(fs.readFileSync(`words/${locale}.json`, 'utf8')).widget;

/** A sentence of the widget on this operator's pages. */
export function words(key, { operator, locale = 'en', ...values }) {
  const known = { operator: operator.name, partner: 'Netflix', offer: 'Netflix Standard', ...values };
  return read(locale)[key].replace(/\{(\w+)\}/g, (whole, name) => known[name] ?? whole);
}
