// The bundle of the edge on a machine without Rust: it starts under the real runtime, answers, and can be deployed.

import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { bundle, ports } from './harness/given.mjs';
import { run, serve } from './harness/machine.mjs';

const [localPort, stagingPort] = ports;
const localKeys = path.join(bundle, '.dev.vars');

async function assertHealthy(url) {
  const health = await fetch(`${url}/healthz`);
  assert.equal(health.status, 200);
  assert.deepEqual(await health.json(), { status: 'ok' });
}

test('bundle deploys without making keys', async () => {
  for (const environment of ['', 'staging']) {
    const { succeeded, output } = await run('wrangler', ['deploy', '--dry-run', `--env=${environment}`]);
    assert.ok(succeeded, output);
    // A member that wrangler does not know is a warning only.
    assert.doesNotMatch(output, /warning/i);
    assert.ok(!fs.existsSync(localKeys), 'a deployment has no local keys');
  }
});

test('bundle is served where no Rust is', () => serve(localPort, [], async url => {
  await assertHealthy(url);
  const loader = await fetch(`${url}/widget/v1/onbill.js`);
  assert.equal(loader.status, 200);
  assert.match(loader.headers.get('content-type'), /^text\/javascript/);
  const script = await loader.text();
  assert.ok(script.includes('pay-on-bill') && script.includes(url), 'it defines the tag and knows the edge');
  assert.equal(fs.statSync(localKeys).mode & 0o777, 0o600);
}));

test('API documents are served to viewers of any site', () => serve(localPort, [], async url => {
  for (const name of ['ott', 'operator', 'csp', 'partner']) {
    const response = await fetch(`${url}/api/${name}.json`);
    assert.equal(response.status, 200, name);
    assert.match(response.headers.get('content-type'), /^application\/json/);
    assert.equal(response.headers.get('access-control-allow-origin'), '*');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal((await response.json()).openapi, '3.1.1', name);
  }
  // What is no document is the Worker's to refuse, as any other path that does not exist.
  for (const name of ['ott', 'ott.yaml', 'OTT.json', 'errors.md', '../_headers', '_headers']) {
    const response = await fetch(`${url}/api/${name}`);
    assert.equal(response.status, 404, name);
    assert.equal((await response.json()).code, 'not-found', name);
  }
  const root = await fetch(`${url}/_headers`);
  assert.equal(root.status, 404);
}));

test('local keys are made once', async () => {
  const before = fs.readFileSync(localKeys, 'utf8');
  await serve(stagingPort, ['--env', 'staging'], assertHealthy);
  assert.equal(fs.readFileSync(localKeys, 'utf8'), before);
});
