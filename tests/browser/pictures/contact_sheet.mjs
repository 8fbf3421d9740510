// Many pictures at once: a sheet for each state, and a page that shows all states or some of them.

import fs from 'node:fs';
import path from 'node:path';

const escape = text => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
const inline = file => `data:image/png;base64,${fs.readFileSync(file, 'base64')}`;

/** A sheet for each state: a row for each look, a column for each width in each language that has pictures of it, at half the size. */
export async function writeSheets(browser, folder, shots, { columns, looks }) {
  // It only has to be wide enough that no column is squeezed.
  const page = await browser.newPage({ viewport: { width: 2600, height: 800 } });
  for (const [name, ofState] of Map.groupBy(shots, shot => shot.name)) {
    const isOf = ({ locale, width }) => shot => shot.locale === locale && shot.width === width;
    const taken = columns.filter(column => ofState.some(isOf(column)));
    const cell = (look, column) => {
      const shot = ofState.filter(isOf(column)).find(each => each.look === look);
      return `<td>${shot ? `<img src="${inline(path.join(folder, shot.file))}">` : ''}</td>`;
    };
    await page.setContent(`<!doctype html><style>
      table { border-spacing: 8px; background: #888; color: #fff; font: 14px sans-serif; }
      caption { background: #888; text-align: start; font-size: 20px; padding: 8px; } td { vertical-align: top; } img { zoom: .5; }</style>
      <table><caption>${escape(ofState[0].state)}</caption>
      <tr><th>${taken.map(({ locale, width }) => `<th>${locale} ${width}`).join('')}</tr>
      ${looks.map(look => `<tr><th>${look}</th>${taken.map(column => cell(look, column)).join('')}</tr>`).join('')}</table>`);
    await page.locator('table').screenshot({ path: path.join(folder, 'sheets', `${name}.png`) });
  }
  await page.close();
}

/** All pictures of a series on one, in columns of 300 px. */
export async function writeSheet(context, folder, files, columns, name) {
  const page = await context.newPage();
  const figures = files.map(({ screen, file }) =>
    `<figure><figcaption>${escape(screen)}</figcaption><img src="${inline(file)}"></figure>`);
  await page.setViewportSize({ width: columns * 300, height: 400 });
  await page.setContent(`<!doctype html><style>body{margin:0;background:#888;columns:${columns};column-gap:8px}figure{margin:0 0 12px;break-inside:avoid}
    img{width:100%}figcaption{font:14px sans-serif;color:#fff}</style>${figures.join('')}`);
  await page.screenshot({ path: path.join(folder, 'sheets', `${name}.png`), fullPage: true });
  await page.close();
}

/**
 * The page with all pictures. `choices` are the properties to choose by, each with its values: a box for each value leaves its
 * pictures out.
 */
export function writeIndex(folder, shots, choices) {
  const values = Object.entries(choices).flatMap(([what, values]) => values.map(value => [what, `${what}-${value}`, value]));
  const box = ([, id, value]) => `<label><input type="checkbox" id="${id}" checked> ${value}</label>`;
  const boxes = Object.keys(choices).map(what =>
    `<fieldset><legend>${what}</legend>${values.filter(([of]) => of === what).map(box).join('')}</fieldset>`);
  const rules = values.map(([, id]) => `body:has(#${id}:not(:checked)) .${id} { display: none; }`);
  const figure = shot => {
    const classes = Object.keys(choices).map(what => `${what}-${shot[what]}`).join(' ');
    const caption = Object.keys(choices).map(what => shot[what]).join(' · ');
    return `<figure class="${classes}"><a href="${shot.file}"><img loading="lazy" src="${shot.file}" alt="${escape(`${shot.state}, ${caption}`)}"></a><figcaption>${caption}</figcaption></figure>`;
  };
  const state = ([name, ofState]) => `<section id="${name}"><h2>${escape(ofState[0].state)} <a href="sheets/${name}.png">sheet</a></h2><div>${ofState.map(figure).join('\n')}</div></section>`;
  const states = [...Map.groupBy(shots, shot => shot.name)];
  const links = states.map(([name, [{ state }]]) => `<a href="#${name}">${escape(state)}</a>`);
  fs.writeFileSync(path.join(folder, 'index.html'), `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>The widget’s states</title>
<style>
body { margin: 1rem; background: #e6e8ed; color: #171a22; font: 1rem/1.5 system-ui, sans-serif; }
header { position: sticky; top: 0; display: flex; flex-wrap: wrap; gap: .5rem 1rem; padding-block: .5rem; background: #e6e8ed; }
fieldset { display: flex; gap: .75rem; border: 1px solid #767e8f; border-radius: 8px; }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1rem; }
section { scroll-margin-block-start: 6rem; }
section div { display: flex; flex-wrap: wrap; gap: 1rem; align-items: start; }
figure { margin: 0; }
img { display: block; max-width: 100%; }
figcaption { font-size: .875rem; }
${rules.join('\n')}
</style>
<h1>The widget’s states</h1>
<nav>${links.join('\n')}</nav>
<header>${boxes.join('')}</header>
${states.map(state).join('\n')}
</html>
`);
}
