// The widget's own words, so that a test can say which sentence the customer must read.

import fs from 'node:fs';

// What is said of a result or a refusal comes with it.
const read = locale => {
  const { widget, result, refusal, ...others } = JSON.parse(fs.readFileSync(`words/${locale}.json`, 'utf8'));
  return { ...others, widget: { ...result, ...refusal, ...widget } };
};

/** Every language that onbill has words in. */
export const LANGUAGES = fs.readdirSync('words').map(file => file.replace('.json', ''));

/** Keeps the direction of a name to itself, where it or the text around it runs from right to left. */
const isolated = (locale, name) => locale === 'ar' || /[\u0590-\u08ff]/.test(name) ? `\u2068${name}\u2069` : name;

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** A sentence of the widget on this operator's pages. */
export function words(key, { operator, locale = 'en', ...values }) {
  const { widget, account } = read(locale);
  return fill({ ...widget, ...account }[key], { operator: operator.name, partner: 'Netflix', offer: 'Netflix Standard', ...values });
}

/** A number as the widget shows it: as people of the operator's country write it. */
export function written({ id }, typed) {
  const digits = typed.replace(/\D/g, '');
  return id === 'acme' ? digits.slice(-10).replace(/(...)(...)(....)/, '+1 ($1) $2-$3')
    : digits.slice(-9).replace(/(...)(..)(..)(..)/, '+34 $1 $2 $3 $4');
}

/** A word of the last step. */
export const agreementWord = (key, locale = 'en') => read(locale).agreement[key];

/** The words that come with a result or a refusal, those of all of them. */
export const answerWords = locale => read(locale).widget;

/** The words of the customer's own page, which come with it. */
export const accountWords = locale => read(locale).account;

/**
 * What the widget's last step has to say, as the origin words it: rendered here from the same words by other code, so that a
 * journey can compare the screen with it.
 */
export function agreement({ operator, locale = 'en', type = 'postpaid', date }) {
  const { agreement: words } = read(locale);
  const isolate = name => isolated(locale, name);
  const names = { operator: isolate(operator.name), partner: isolate('Netflix'), offer: isolate('Netflix Standard') };
  const t = key => fill(words[key], names);
  const { taxes, termsURL, privacyURL, accountURL, price } = operator.agreement;
  const row = (label, text) => ({ label: t(label), text });
  const link = (label, url) => url && { label: t(label), url };
  return {
    title: t('title'),
    rows: [
      row('line', '{line}'), row('plan', names.offer), row('price', t(taxes ? `price-taxes-${taxes}` : 'price-alone')),
      row('payment', t(`payment-${type}`)), row('first-charge', t(`first-charge-${date ? 'later' : 'soon'}`)),
      row('then', t('until-cancelled')), row('cancel', t(accountURL ? 'cancel-at-both' : 'cancel-at-partner')),
    ],
    note: t('note'),
    consent: t(termsURL ? 'consent-to-terms' : 'consent'),
    links: [link('terms', termsURL), link('privacy', privacyURL), link('account', accountURL)].filter(Boolean),
    accept: t('accept'),
    price,
    ...date && { date },
  };
}

/** What a new member reads on the way back, as the origin words it; `date` is that of the first charge, if it is known. */
export function wordSummary({ operator, locale = 'en', type = 'postpaid', date }) {
  const { agreement: words } = read(locale);
  const isolate = name => isolated(locale, name);
  const { taxes, price } = operator.agreement;
  const first = date ? 'on' : type === 'prepaid' ? 'from-balance' : 'with-bill';
  const rows = [['plan', '{offer}'], ['price', words[taxes ? `price-taxes-${taxes}` : 'price-alone']], ['first-charge', words[`first-charge-${first}`]]];
  const names = { operator: isolate(operator.name), partner: isolate('Netflix'), offer: isolate('Netflix Standard') };
  return { rows: rows.map(([label, text]) => ({ label: words[label], text: fill(text, names) })), price, ...date && { date } };
}

/** The same as it is on the screen: pairs of label and text, with the price and the day as they are written there. */
export const summary = ({ price, date, ...facts }) =>
  wordSummary({ ...facts, date }).rows.map(({ label, text }) => [label, fill(text, { price, date })]);
