// Calls onbill as a partner, with Node.js 20 and nothing else. The profile is in docs/signing.md.
//
//   ONBILL_URL=https://pay.example.com ONBILL_KEYS=partner-netflix.json \
//     node onbill.mjs POST /ott/v1/pin '{"msisdn":"+12025550101","operator":"acme"}'

import crypto from 'node:crypto';
import fs from 'node:fs';

const SKEW_SECONDS = 300;

/** A partner's client: your keys, and the address of the edge. */
export class Onbill {
  #url; #ring; #key; #private;

  constructor(url, ring) {
    this.#url = new URL(url);
    this.#ring = ring;
    // The last key of a use signs: that is how keys rotate.
    this.#key = ring.filter((key) => key.use === 'partner-call').at(-1);
    const { public: x, private: d } = this.#key;
    this.#private = crypto.createPrivateKey({ key: { kty: 'OKP', crv: 'Ed25519', x, d }, format: 'jwk' });
  }

  /** One call. `path` is percent-encoded and has its query; `body` is any JSON, or nothing. */
  async call(method, path, body) {
    const target = new URL(path, this.#url);
    const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body));
    const headers = this.#sign(method, target, bytes);
    // A signature is for one address, so no redirect is followed.
    const response = await fetch(target, {
      method, headers, body: bytes, redirect: 'manual', signal: AbortSignal.timeout(30_000),
    });
    const answer = Buffer.from(await response.arrayBuffer());
    const operator = response.ok ? this.#signer(headers.signature, response, answer) : undefined;
    return { status: response.status, operator, body: answer.toString() };
  }

  #sign(method, target, bytes) {
    const components = [
      ['"@method"', method],
      ['"@authority"', target.host],
      ['"@path"', target.pathname],
      ['"@query"', target.search || '?'],
    ];
    const headers = { accept: 'application/json' };
    if (bytes) {
      headers['content-type'] = 'application/json';
      headers['content-digest'] = digest(bytes);
      components.push(['"content-digest"', headers['content-digest']]);
      components.push(['"content-type"', headers['content-type']]);
    }
    const params = `(${components.map(([name]) => name).join(' ')});created=${now()}`
      + `;nonce="${crypto.randomUUID()}";keyid="${this.#key.id}";tag="onbill-partner-call"`;
    const signature = crypto.sign(null, base(components, params), this.#private);
    headers['signature-input'] = `sig1=${params}`;
    headers.signature = `sig1=:${signature.toString('base64')}:`;
    return headers;
  }

  /** The operator that has signed a response, such as `operator:acme`; nothing when none has. */
  #signer(requestSignature, response, bytes) {
    const params = (response.headers.get('signature-input') ?? '').replace(/^sig1=/, '');
    const covered = '("@status" "content-digest" "content-type" "signature";req;key="sig1")';
    if (!params.startsWith(`${covered};`) || param(params, 'tag') !== 'onbill-answer') return undefined;
    // Also without `created`: its age is then no number, and no comparison with it is true.
    const age = now() - Number(/;created=(\d+)/.exec(params)?.[1]);
    if (!(Math.abs(age) <= SKEW_SECONDS)) return undefined;
    const key = this.#ring.find((key) => key.use === 'origin-to-partner' && key.id === param(params, 'keyid'));
    if (!key || response.headers.get('content-digest') !== digest(bytes)) return undefined;
    const signed = base([
      ['"@status"', String(response.status)],
      ['"content-digest"', digest(bytes)],
      ['"content-type"', response.headers.get('content-type')],
      ['"signature";req;key="sig1"', requestSignature.replace(/^sig1=/, '')],
    ], params);
    const secret = Buffer.from(key.secret, 'base64url');
    const mac = crypto.createHmac('sha256', secret).update(signed).digest();
    const received = /^sig1=:(.*):$/.exec(response.headers.get('signature') ?? '')?.[1];
    const given = Buffer.from(received ?? '', 'base64');
    return given.length === mac.length && crypto.timingSafeEqual(given, mac) ? key.party : undefined;
  }
}

/** The text that is signed: no newline at its end. */
function base(components, params) {
  const lines = components.map(([name, value]) => `${name}: ${value}\n`).join('');
  return Buffer.from(`${lines}"@signature-params": ${params}`);
}

function digest(bytes) {
  return `sha-256=:${crypto.createHash('sha256').update(bytes).digest('base64')}:`;
}

function param(params, name) {
  return new RegExp(`;${name}="([^"]*)"`).exec(params)?.[1];
}

function now() {
  return Math.floor(Date.now() / 1000);
}

if (process.argv[1]?.endsWith('onbill.mjs')) {
  const [method, path, body] = process.argv.slice(2);
  const ring = JSON.parse(fs.readFileSync(process.env.ONBILL_KEYS, 'utf8'));
  const onbill = new Onbill(process.env.ONBILL_URL, ring);
  const response = await onbill.call(method, path, body && JSON.parse(body));
  console.log(`${response.status} signed by: ${response.operator ?? 'no one'}\n${response.body}`);
  // Only what the operator has signed has happened. Repeat everything else with the same ids.
  process.exitCode = response.operator ? 0 : 1;
}
