// A machine with Node.js and without Rust: an environment in which the bundle's wrangler is found, and cargo is not.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { bundle, root } from './given.mjs';
import { until } from '../../browser/harness/until.mjs';

const bin = path.join(bundle, 'node_modules/.bin');
const nodeAlone = path.join(path.dirname(bundle), 'node-alone');

// The packages are those of the repository: `packages.rs` tests that the bundle's lock file names the same.
fs.symlinkSync(path.join(root, 'node_modules'), path.join(bundle, 'node_modules'));
fs.rmSync(nodeAlone, { recursive: true, force: true });
fs.mkdirSync(nodeAlone);
fs.symlinkSync(process.execPath, path.join(nodeAlone, 'node'));
for (const folder of [bin, nodeAlone]) assert.ok(!fs.existsSync(path.join(folder, 'cargo')));

const env = { ...process.env, PATH: [bin, nodeAlone].join(path.delimiter) };

/** Runs a program of the bundle's packages to its end: its output, and whether it succeeded. */
export function run(program, words) {
  return new Promise(resolve => {
    execFile(path.join(bin, program), words, { cwd: bundle, env }, (error, stdout, stderr) => {
      resolve({ succeeded: !error, output: stdout + stderr });
    });
  });
}

/** Serves the bundle at this port for the time of `act`. */
export async function serve(port, words, act) {
  const url = `http://127.0.0.1:${port}`;
  const wrangler = spawn(path.join(bin, 'wrangler'), [
    'dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0',
    '--show-interactive-dev-session', 'false',
    // Whatever environment is served, it is on this machine.
    '--var', `EDGE_URLS:["${url}"]`, '--var', 'DEPLOYMENT:local', ...words,
  ], { cwd: bundle, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [wrangler.stdout, wrangler.stderr]) stream.on('data', text => { output += text; });
  const ended = new Promise(resolve => { wrangler.once('exit', resolve); });
  try {
    await until('the edge answers', () => {
      assert.equal(wrangler.exitCode, null, 'wrangler ended');
      return fetch(url).then(() => true, () => false);
    });
    await act(url);
  } catch (error) {
    throw new Error(`${error.message}\n${output}`, { cause: error });
  } finally {
    wrangler.kill();
    await ended;
  }
}
