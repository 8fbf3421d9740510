// wrangler.toml: every environment is accepted, and none lacks what another one has. wrangler inherits neither bindings nor
// variables, and says nothing when one is missing.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root, wrangler } from './harness/given.mjs';

const file = path.join(root, 'wrangler.toml');
const { rawConfig: config } = wrangler.experimental_readRawConfig({ config: file });
const { staging } = config.env;

function read(name) {
  return JSON.parse(fs.readFileSync(path.join(root, 'node_modules/wrangler', name), 'utf8'));
}

/** The settings that wrangler's own schema calls not inherited, and the deployment has. */
function repeated() {
  const { properties } = read('config-schema.json').definitions.RawEnvironment;
  const isRepeated = ([name, { description = '' }]) => description.includes('not automatically inherited') && name in config;
  return Object.entries(properties).filter(isRepeated).map(([name]) => name);
}

/** The names that the program finds its bindings, variables or secrets by. */
function names(setting = []) {
  if (Array.isArray(setting)) return setting.map(({ binding, name }) => binding ?? name).sort();
  return setting.required ?? Object.keys(setting).sort();
}

test('staging and previews repeat all bindings', () => {
  const settings = repeated();
  const known = ['kv_namespaces', 'ratelimits', 'analytics_engine_datasets', 'vars', 'secrets'];
  assert.ok(known.every(name => settings.includes(name)), String(settings));
  for (const name of settings) {
    assert.deepEqual(names(staging[name]), names(config[name]), `staging: ${name}`);
    // Secrets of previews are in their base configuration, at Cloudflare.
    if (name !== 'secrets') assert.deepEqual(names(config.previews[name]), names(config[name]), `previews: ${name}`);
  }
});

test('rate limits count apart', () => {
  const ids = [config, staging, config.previews].flatMap(({ ratelimits }) => ratelimits.map(({ namespace_id: id }) => id));
  assert.equal(new Set(ids).size, ids.length);
});

test('data points are kept apart', () => {
  const environments = [config, staging, config.previews];
  const datasets = environments.flatMap(({ analytics_engine_datasets: all }) => all.map(({ dataset }) => dataset));
  assert.equal(new Set(datasets).size, environments.length);
});

test('namespaces have no placeholder id', () => {
  for (const { kv_namespaces: namespaces } of [config, staging, config.previews]) {
    for (const { binding, id } of namespaces) assert.equal(id, undefined, binding);
  }
});

test('whole URLs are never logged', () => {
  for (const { observability } of [config, config.previews]) assert.equal(observability.logs.invocation_logs, false);
  assert.equal(staging.observability, undefined, 'it is inherited');
});

test('repository deploys with its own build', () => {
  const words = ['deploy', '--dry-run', '--env='];
  const output = execFileSync('wrangler', words, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  assert.match(output, /cargo xtask edge/);
  assert.doesNotMatch(output, /warning/i);
});
