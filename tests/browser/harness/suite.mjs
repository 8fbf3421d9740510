// Runs the tests in their order, each with browser contexts and a deadline of its own, and says how it went. Those that look
// at made-up answers run beside the others: they are half of the time. One line a test; a failed one leaves a picture of every
// page that it had open, and is shown again at the end, which is all that some logs keep.

import fs from 'node:fs';
import path from 'node:path';
import { launch } from './browser.mjs';
import { until } from './until.mjs';
import { Watch } from './watch.mjs';
import { out } from './system.mjs';

// These only end what hangs: a fiftieth of them is usual, and a machine with much else to do may need ten times that.
const TEST_SECONDS = 300;
const STEP_SECONDS = 60;

/** How many tests run beside those in order. More would wait for each other on two cores. */
const BESIDE = 1;

const failures = path.join(out, 'failures');
const tests = [];
let story = '';

/** Names the tests that follow. */
export function about(title) { story = title; }

/**
 * A claim, and how it is shown: `in-order`, after all that came before; `beside` the others, where it needs no subscriber and
 * no answer of an origin; or `last`, when all others have ended.
 */
export function test(title, body, { seconds = TEST_SECONDS, when = 'in-order' } = {}) {
  tests.push({ story, title, body, seconds, when });
}

/** Addresses for documentation (RFC 5737): each customer comes from one of its own, as the edge counts by address. */
let customers = 0;
function address() {
  customers += 1;
  return `${customers < 256 ? '203.0.113' : '198.51.100'}.${customers % 256}`;
}

/** One test at work. */
class Stage {
  #contexts = [];

  constructor(browser) { this.browser = browser; }

  /** A person with a browser: a context, its first page, and the watch over both. */
  async customer({ from = address(), ...options } = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 }, locale: 'en-US', reducedMotion: 'reduce', ...options,
      extraHTTPHeaders: { 'cf-connecting-ip': from },
    });
    context.setDefaultTimeout(STEP_SECONDS * 1000);
    const watch = new Watch(context);
    this.#contexts.push({ context, watch });
    const page = await context.newPage();
    return {
      context, page, watch,
      announce: (...patterns) => watch.announce(...patterns),
      /** Goes on from another address. */
      move: () => context.setExtraHTTPHeaders({ 'cf-connecting-ip': address() }),
    };
  }

  async pictures(name) {
    const pages = this.#contexts.flatMap(({ context }) => context.pages());
    const files = [];
    for (const [n, page] of pages.entries()) {
      const file = path.join(failures, `${name}-${n + 1}.png`);
      // The page may be what is broken.
      await page.screenshot({ path: file, fullPage: true, timeout: 5000 }).then(() => files.push(file), () => {});
    }
    return files;
  }

  /** Waits until all that was announced has come: a browser may say it after the page has loaded. */
  async settles() {
    const watches = this.#contexts.map(({ watch }) => watch);
    // What never comes is a complaint.
    await until('all that was announced comes', () => watches.every(watch => watch.isComplete()), STEP_SECONDS).catch(() => {});
  }

  complaints() {
    return this.#contexts.flatMap(({ watch }) => watch.verdict());
  }

  async close() {
    await Promise.all(this.#contexts.map(({ context }) => context.close()));
  }
}

/** Waits for the work, which fails when it takes longer. */
export async function within(seconds, work) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`takes longer than ${seconds} s`)), seconds * 1000);
  });
  // After the deadline nobody listens to the work any more; its end is not an event.
  work.catch(() => {});
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function perform(browser, { title, body, seconds }) {
  const stage = new Stage(browser);
  let problem;
  try {
    await within(seconds, (async () => body(stage))());
    await stage.settles();
  } catch (error) {
    problem = error.stack || String(error);
  }
  const complaints = stage.complaints();
  if (complaints.length > 0) {
    problem = [problem, 'in the browser:', ...complaints.map(complaint => `  ${complaint}`)].filter(Boolean).join('\n');
  }
  if (problem) {
    const files = await stage.pictures(title.toLowerCase().replace(/[^a-z0-9]+/g, '-').slice(0, 60));
    problem = [problem, ...files].join('\n');
  }
  await stage.close();
  return problem;
}

const spoken = since => `${((Date.now() - since) / 1000).toFixed(1)} s`;

const indented = text => text.replace(/^/gm, '        ');

/** Performs the tests of `queue`, which others may take from as well, one after the other. What failed of them, and why. */
async function work(browser, queue, prefix = '') {
  const failed = [];
  let heading;
  for (let each = queue.shift(); each; each = queue.shift()) {
    const since = Date.now();
    const problem = await perform(browser, each);
    if (!prefix && each.story !== heading) console.log(`\n  ${heading = each.story}`);
    console.log(`    ${problem ? '✗' : '✓'} ${prefix && `${prefix}${each.story}: `}${each.title} (${spoken(since)})`);
    if (!problem) continue;
    console.log(indented(problem));
    failed.push({ ...each, problem });
  }
  return failed;
}

/** Runs every test whose story and title have these words in them. Whether all of them passed. */
export async function runAll(words = '') {
  const chosen = tests.filter(each => `${each.story}: ${each.title}`.toLowerCase().includes(words.toLowerCase()));
  const queue = when => chosen.filter(each => each.when === when);
  fs.rmSync(failures, { recursive: true, force: true });
  fs.mkdirSync(failures, { recursive: true });
  const start = Date.now();
  const browser = await launch();
  const beside = queue('beside');
  const ended = await Promise.all([
    work(browser, queue('in-order')), ...Array.from({ length: BESIDE }, () => work(browser, beside, 'beside: ')),
  ]);
  ended.push(await work(browser, queue('last')));
  await browser.close();
  const failed = ended.flat();
  if (failed.length > 0) console.log('\n  failed');
  for (const each of failed) console.log(`    ✗ ${each.story}: ${each.title}\n${indented(each.problem)}`);
  console.log(`\n  ${chosen.length - failed.length} of ${chosen.length} passed in ${spoken(start)}`);
  return chosen.length > 0 && failed.length === 0;
}
