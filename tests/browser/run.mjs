// The browser journeys: real pages in a real browser against the running system. `cargo xtask test browser` starts that
// system, says in the environment where it is, and runs this file. What a journey does is in stories/; nothing of onbill
// is replaced by a fake unless the test says so.
//
// By hand: ONBILL_ONLY="wrong code" runs the tests with these words in their titles or in their story's, such as "the app"
// (a story may need what the ones before it did), ONBILL_SCREENSHOTS=1 takes pictures instead (screenshots.mjs), with ONBILL_ONLY
// of those states of the widget that are named so.

import { runAll } from './harness/suite.mjs';
import { database } from './harness/system.mjs';

// In this order: later stories meet the subscribers that earlier ones have signed up (see people.mjs).
const STORIES = [
  'new_member', 'agreement', 'moved_member', 'numbers', 'lines', 'standing', 'reasons', 'codes', 'sessions', 'looks', 'room', 'poor_conditions', 'outages', 'results',
  'two_operators',
  'foreign_pages', 'hostile_pages', 'integration', 'sample_app', 'accessibility', 'app', 'billing', 'refunds', 'customer_page', 'coupons', 'local_pages', 'readme_picture', 'clients', 'console', 'console_reports', 'privacy',
];

/** Those that the operator's ledger in PostgreSQL is for: a customer signs up, and desks work. */
const ON_POSTGRES = ['new_member', 'console', 'console_reports'];

if (process.env.ONBILL_SCREENSHOTS) {
  await (await import('./screenshots.mjs')).take();
} else {
  for (const story of database === 'postgres' ? ON_POSTGRES : STORIES) await import(`./stories/${story}.mjs`);
  process.exitCode = await runAll(process.env.ONBILL_ONLY) ? 0 : 1;
}
