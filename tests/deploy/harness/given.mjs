// What `cargo xtask test` says in the environment, and the wrangler of the repository.

import { createRequire } from 'node:module';
import path from 'node:path';

function given(name) {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: these tests are started by \`cargo xtask test browser\``);
  return value;
}

export const root = path.resolve(import.meta.dirname, '../../..');

/** The bundle of the edge, freshly written. */
export const bundle = given('ONBILL_BUNDLE');

/** Free ports of this machine, one for each edge that is served. */
export const ports = given('ONBILL_PORTS').split(',').map(Number);

/** The program behind `cargo xtask`. */
export const xtask = given('ONBILL_XTASK');

export const wrangler = createRequire(import.meta.url)('wrangler');
