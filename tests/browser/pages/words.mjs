// The widget's own words, so that a test can say which sentence the customer must read.

import fs from 'node:fs';

// The sentences for the operator's reasons come with the refusal.
const read = locale => {
  const { widget, refusal } = JSON.parse(fs.readFileSync(`words/${locale}.json`, 'utf8'));
  return { ...refusal, ...widget };
};

/** A sentence of the widget on this operator's pages. */
export function words(key, { operator, locale = 'en', ...values }) {
  const known = { operator: operator.name, partner: 'Netflix', offer: 'Netflix Standard', ...values };
  return read(locale)[key].replace(/\{(\w+)\}/g, (whole, name) => known[name] ?? whole);
}
