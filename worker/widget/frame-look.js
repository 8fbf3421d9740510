// The operator's look on the payment frame, as the loader reads it from its page.

// Each is a variable: --onbill-accent and so on.
const THEME = ['accent', 'accent-text', 'background', 'text', 'muted', 'border', 'danger', 'radius', 'font', 'color-scheme', 'layout'];

// Takes the operator's look, value by value, when it is a plain one: no url(), var() or any other function that fetches or refers.
function dress(theme) {
  const property = { radius: 'border-radius', font: 'font-family', 'color-scheme': 'color-scheme' };
  const set = {};
  for (const name of THEME) {
    const value = typeof theme[name] === 'string' ? theme[name].trim() : '';
    const plain = value.length < 200 && /^[\p{L}\p{M}\p{N}_\s#%.,()/+'"-]+$/u.test(value) && !/(url|src|var|env|attr|image|set)\s*\(/i.test(value)
      && (name !== 'radius' || /^[\d.]+(px|r?em)?$/.test(value)) && CSS.supports(property[name] || 'color', value);
    if (plain) set[name] = value;
    else if (value && name !== 'layout') console.warn(`--onbill-${name}: ${new URL('refusals#theme', location)}`);
    name === 'color-scheme' || page.style.setProperty(`--onbill-${name}`, set[name] || '');
  }
  page.classList.toggle('compact', String(theme.layout).trim() === 'compact');
  // What the operator left out has to stay readable on what it chose.
  const scheme = /^(light|dark)$/.test(set['color-scheme']) ? set['color-scheme'] : set.background && (bright(set.background) ? 'light' : 'dark');
  page.style.colorScheme = scheme || '';
  if (set.accent && !set['accent-text']) page.style.setProperty('--onbill-accent-text', bright(set.accent) ? '#111' : '#fff');
  checkContrast();
}

// Tells the page's developers which of its colours are hard to read (WCAG 2.2, 1.4.3 and 1.4.11).
const CONTRASTS = [['text', 'background', 4.5], ['muted', 'background', 4.5], ['danger', 'background', 4.5], ['accent-text', 'accent', 4.5], ['border', 'background', 3]];
function checkContrast() {
  for (const [one, other, least] of CONTRASTS) {
    const [dark, light] = [one, other].map(name => luminance(`var(--${name})`)).sort((a, b) => a - b);
    const ratio = (light + .05) / (dark + .05);
    if (ratio < least) console.warn(`--onbill-${one} on --onbill-${other} has a contrast of ${ratio.toFixed(2)}:1, below ${least}:1`);
  }
}

// Whether black reads better on the colour than white.
const bright = color => luminance(color) > .179;

// WCAG relative luminance; the mix makes any notation sRGB numbers.
function luminance(color) {
  const probe = $('status');
  probe.style.color = `color-mix(in srgb, ${color}, ${color})`;
  const [r, g, b] = getComputedStyle(probe).color.match(/-?[\d.]+(e-\d+)?/g).map(c => c <= .04045 ? c / 12.92 : ((+c + .055) / 1.055) ** 2.4);
  return .2126 * r + .7152 * g + .0722 * b;
}
