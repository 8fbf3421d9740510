// Runs the journeys one after the other, each in a Firefox of its own. `cargo xtask test browser --firefox` starts the system
// and says in the environment where it is. Where there is no Firefox it says so, and fails nothing.

import { findFirefox, Firefox } from './bidi.mjs';
import { journeys } from './journeys.mjs';
import { Tab } from './tab.mjs';
import { until } from '../harness/until.mjs';

// It only ends what hangs.
const JOURNEY_SECONDS = 300;
const SETTLE_SECONDS = 60;

async function perform(program, { act, preferences }) {
  const firefox = await Firefox.launch(program, preferences);
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`takes longer than ${JOURNEY_SECONDS} s`)), JOURNEY_SECONDS * 1000);
  });
  try {
    const tab = await Tab.open(firefox);
    await Promise.race([act(tab), late]);
    // Firefox may say it after the page has shown it. What never comes is a complaint.
    await until('all that was announced comes', () => tab.missing().length === 0, SETTLE_SECONDS).catch(() => {});
    tab.complaints.push(...tab.missing().map(words => `never came: ${words}`));
    if (tab.complaints.length > 0) throw new Error(`in the browser:\n${tab.complaints.join('\n')}`);
  } finally {
    clearTimeout(timer);
    await firefox.close();
  }
}

/** Whether all of them passed, or there is no Firefox. */
async function runAll() {
  const program = findFirefox();
  if (!program) {
    console.log('  skipped: there is no Firefox here. Debian has one (apt-get install firefox-esr), or FIREFOX_BIN names it');
    return true;
  }
  console.log(`  ${program}`);
  let failed = 0;
  for (const journey of journeys) {
    const problem = await perform(program, journey).then(() => undefined, error => error.stack || String(error));
    console.log(`    ${problem ? '✗' : '✓'} ${journey.title}`);
    if (problem) console.log(problem.replace(/^/gm, '        '));
    failed += problem ? 1 : 0;
  }
  console.log(`\n  ${journeys.length - failed} of ${journeys.length} passed`);
  return failed === 0;
}

process.exitCode = await runAll() ? 0 : 1;
