// Words, numbers, prices and days, as the customer's language writes them.

// Keeps the direction of a name or number to itself, where it or the text around it runs from right to left.
const isolate = text => page.dir === 'rtl' || /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/.test(text) ? `\u2068${text}\u2069` : text;
const fill = (words, values) => words.replace(/\{(\w+)\}/g, (whole, name) => name in values ? isolate(values[name]) : whole);
// A sentence of the edge's is its own words.
const t = (key, values) => fill(own && strings[`own-${key}`] || strings[key] || key,
  { operator: operator.name, partner: partner?.name || '', digits, ...values });
// The same for a sentence with a line: the number stays whole where the sentence breaks.
const withLine = (key, value) => {
  const [text, line] = [t(key, { line: value }), isolate(value)];
  const [before, after] = text.split(line);
  return [before, make('bdi', line), after];
};
// The operator's country decides between `$15.99` and `15,99 $`. English is British outside of the US, also where it is foreign.
// Arabic keeps the digits of its codes and SMS, and the calendar of the bill.
const region = (locale === 'en' && operator.country !== 'US' ? 'en-GB' : `${locale}-${operator.country}`) + '-u-ca-gregory-nu-latn';
// A number and its unit stay on one line.
const count = (value, unit) => new Intl.NumberFormat(region, { style: 'unit', unit, unitDisplay: 'long' }).format(value).replace(' ', '\xa0');
const when = seconds => {
  const [size, unit] = seconds < 90 ? [1, 'second'] : seconds < 5400 ? [60, 'minute'] : [3600, 'hour'];
  return count(Math.ceil(seconds / size), unit);
};
const money = ({ value, currency, decimals }) => {
  const format = () => new Intl.NumberFormat(region, { style: 'currency', currency,
    minimumFractionDigits: decimals, maximumFractionDigits: decimals });
  // Half of a deployment may be of a version that does not tell them.
  decimals ??= format().resolvedOptions().maximumFractionDigits;
  const text = format().format(value / 10 ** decimals);
  return /[\u0621-\u064a]/.test(text) ? text : text.replace(/\u200f/g, '');     // Latin signs within Arabic text read left to right
};
// Arabic names the month: in numbers alone, day and month are told apart by direction only.
const dates = (timeZone, dateStyle = page.dir === 'rtl' ? 'long' : 'medium') => new Intl.DateTimeFormat(region, { dateStyle, timeZone });
const now = () => Math.floor(performance.now());      // whole milliseconds, so that half a minute is 30 seconds and not 31

// Says everything about the offer, or from now on about the customer's own page.
function label(isOwn) {
  own = isOwn;
  shown.view = own ? 'account' : 'offer';
  for (const each of document.querySelectorAll('[data-t]')) each.textContent = t(each.dataset.t);
  document.title = t('title');
  pick();
}

function make(tag, text, look) {
  const element = document.createElement(tag);
  if (text) element.textContent = text;
  if (look) element.className = look;
  return element;
}
