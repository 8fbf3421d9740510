// The clients of examples/ and the tool, as a partner's engineer runs them, against the real edge. A client whose runtime is
// not on this machine is left out, and the test says so.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync } from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import readline from 'node:readline';
import { promisify } from 'node:util';
import { about, test } from '../harness/suite.mjs';
import { acme, edge, operatorKeys, out, partnerKeys, tool } from '../harness/system.mjs';

about('the clients of partners');

const run = promisify(execFile);
/** Kotlin's compiler is the slowest. */
const BUILD_SECONDS = 240;

/** A number without an account: every number gets the same response. */
const PIN = JSON.stringify({ msisdn: '+12025550188', operator: acme.id });
const UNKNOWN = `/ott/v1/transaction/${encodeURIComponent('not/there')}?operator=${acme.id}`;

/** Each client: what must be on the machine for it, how it is built, and its command. */
const CLIENTS = {
  'curl and openssl': {
    needs: ['bash', '-c', 'type curl base64 && openssl version | grep -E "OpenSSL ([3-9]|[1-9][0-9])"'],
    command: ['bash', 'examples/curl/onbill.sh'],
  },
  'Node.js': { needs: [process.execPath, '--version'], command: [process.execPath, 'examples/node/onbill.mjs'] },
  Python: {
    needs: ['python3', '-c', 'import sys, cryptography; assert sys.version_info >= (3, 10)'],
    command: ['python3', '-B', 'examples/python/onbill.py'],
  },
  Java: {
    needs: ['bash', '-c', 'java --list-modules | grep jdk.compiler@ | grep -vE "@(9|1[0-6])[.]"'],
    command: ['java', 'examples/java/Onbill.java'],
  },
  Kotlin: {
    needs: ['kotlinc', '-version'],
    build: ['kotlinc', 'examples/kotlin/onbill.kt', '-include-runtime', '-d', path.join(out, 'onbill.jar')],
    command: ['java', '-jar', path.join(out, 'onbill.jar')],
  },
};

/** Runs a command with the partner's keys. What it says, and its exit status. */
async function client(command, ...more) {
  return clientOf(edge, command, ...more);
}

/** The same against another server. */
async function clientOf(url, [program, ...words], ...more) {
  const env = { ...process.env, ONBILL_URL: url, ONBILL_KEYS: partnerKeys };
  const { stdout, code = 0 } = await run(program, [...words, ...more], { env }).catch(error => error);
  return { stdout, code };
}

const succeeds = command => run(command[0], command.slice(1)).then(() => true, () => false);

for (const [name, { needs, build, command }] of Object.entries(CLIENTS)) {
  test(`${name}: signs, and checks who signed the response`, async () => {
    if (!await succeeds(needs)) {
      console.log(`    - ${name} is skipped: its runtime is not on this machine`);
      return;
    }
    if (build) await run(build[0], build.slice(1));
    const sent = await client(command, 'POST', '/ott/v1/pin', PIN);
    assert.match(sent.stdout ?? '', /^202 signed by: operator:acme\n\{.*"pinID"/, JSON.stringify(sent));
    assert.equal(sent.code, 0);
    const unknown = await client(command, 'GET', UNKNOWN);
    assert.match(unknown.stdout ?? '', /^404 signed by: no one\n\{.*"transaction-not-found"/, JSON.stringify(unknown));
    assert.equal(unknown.code, 1);
  }, { seconds: BUILD_SECONDS });
}

test('the clients run nothing that an unsigned response says', async () => {
  const mark = path.join(out, 'hostile-response');
  rmSync(mark, { force: true });
  const params = `("@status" "content-digest" "content-type" "signature";req;key="sig1");created=a[$(touch\t${mark})0]`
    + ';nonce="0123456789abcdef";keyid="acme-netflix-origin-to-partner-1";tag="onbill-answer"';
  const hostile = http.createServer((request, response) => {
    request.resume();
    response.writeHead(200, {
      'content-type': 'application/json',
      'content-digest': 'sha-256=:AAAA:',
      'signature-input': `sig1=${params}`,
      signature: 'sig1=:AAAA:',
    });
    response.end('{}');
  }).listen(0, '127.0.0.1');
  await once(hostile, 'listening');
  try {
    const url = `http://127.0.0.1:${hostile.address().port}`;
    for (const [name, { needs, build, command }] of Object.entries(CLIENTS)) {
      // What must be built was checked and built above, and has no shell.
      if (build || !await succeeds(needs)) continue;
      const sent = await clientOf(url, command, 'GET', UNKNOWN);
      assert.match(sent.stdout ?? '', /^200 signed by: no one\n/, `${name}: ${JSON.stringify(sent)}`);
      assert.equal(sent.code, 1, name);
      assert.ok(!existsSync(mark), `${name} has run a command of the response`);
    }
  } finally {
    hostile.close();
  }
});

/** The first line that a program prints, which must be running then. */
async function firstLine(program) {
  const lines = readline.createInterface({ input: program.stdout })[Symbol.asyncIterator]();
  const [line] = await Promise.race([
    lines.next().then(({ value }) => [value]),
    new Promise((_, reject) => { program.once('exit', code => reject(new Error(`it ends with ${code}`))); }),
  ]);
  return line;
}

/** A free port of this machine. */
async function freePort() {
  const server = http.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

test('Python: takes the calls that are signed for it, each once', async () => {
  if (!await succeeds(['python3', '-c', 'import sys; assert sys.version_info >= (3, 10)'])) {
    console.log('    - the receiver in Python is skipped: its runtime is not on this machine');
    return;
  }
  // A proxy before the receiver repeats a call, or changes its body.
  const answers = [];
  const port = await freePort();
  const passOn = async (request, body) => {
    const { method, url: target, headers: { host, connection, 'content-length': length, ...headers } } = request;
    const answer = await fetch(`http://127.0.0.1:${port}${target}`, { method, headers, body });
    answers.push(answer.status);
    return answer;
  };
  const proxy = http.createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? Buffer.concat(chunks) : undefined;
    if (body) await passOn(request, Buffer.from(`${body} `));
    const answer = await passOn(request, body);
    await passOn(request, body);
    response.writeHead(answer.status, { 'content-type': 'application/json' });
    response.end(await answer.text());
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const called = `127.0.0.1:${proxy.address().port}`;
  const receiver = spawn('python3', ['-B', 'examples/python/receive.py', 'origin-to-bss', `127.0.0.1:${port}`, called], {
    env: { ...process.env, ONBILL_KEYS: operatorKeys }, stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    assert.match(await firstLine(receiver), /^listening on /);
    const call = async (...words) => {
      const env = { ...process.env, ONBILL_URL: `http://${called}`, ONBILL_KEYS: operatorKeys };
      const { stdout } = await run(tool, ['call', ...words, '--use', 'origin-to-bss'], { env }).catch(error => error);
      return [stdout.split(' ')[0], answers.splice(0)];
    };
    assert.deepEqual(await call('POST', '/csp/account/validate', '-d', PIN), ['200', [401, 200, 401]]);
    assert.deepEqual(await call('GET', '/csp/transaction/a%2fb'), ['200', [200, 401]]);
    assert.equal((await fetch(`http://127.0.0.1:${port}/csp/transaction/x`)).status, 401);
  } finally {
    receiver.kill();
    proxy.close();
  }
});

test('onbill call: its exit status follows the HTTP status', async () => {
  const call = [tool, 'call'];
  const sent = await client(call, 'POST', '/ott/v1/pin', '-d', PIN);
  assert.match(sent.stdout, /^202 Accepted\nsigned by: operator:acme\n/);
  assert.equal(sent.code, 0);
  assert.equal((await client(call, 'GET', UNKNOWN)).code, 4);
  assert.equal((await client(call, 'GET', '/ott/v1/transaction/x', '--url', 'http://127.0.0.1:1')).code, 1);
  assert.equal((await client(call, 'GET')).code, 2);
});

test('onbill proxy: signs for a program, and for no page', async () => {
  const proxy = spawn(tool, ['proxy', '--port', '0'], {
    env: { ...process.env, ONBILL_URL: edge, ONBILL_KEYS: partnerKeys }, stdio: ['ignore', 'pipe', 'ignore'],
  });
  try {
    const address = (await firstLine(proxy)).split(' ')[0];
    const post = headers => fetch(`${address}/ott/v1/pin`, {
      method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: PIN,
    });
    const answer = await post({});
    assert.equal(answer.status, 202, await answer.clone().text());
    assert.equal(answer.headers.get('x-onbill-signed-by'), 'operator:acme');
    assert.equal((await post({ origin: 'https://evil.example' })).status, 403);
    assert.equal((await fetch(`${address}${UNKNOWN}`)).status, 404);
  } finally {
    proxy.kill();
  }
});
