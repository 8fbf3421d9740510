// Keys for this machine alone: what `npx wrangler dev` needs to start the edge. wrangler runs this file before it serves,
// and before it deploys, when there is nothing to do: a deployment has its keys in the secret KEYRING.
//
// No origin has the other half of these keys. Calls that need one end with 503, as they do while no origin runs.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';

const FILE = '.dev.vars';

/** The parties in wrangler.toml, and the uses of the keys that the edge has with each of them. */
const SHARED = {
  'operator:acme': ['edge-to-origin', 'origin-to-edge', 'signup-token'],
  'partner:netflix': ['edge-to-partner'],
};
const PARTNER = 'partner:netflix';

function describe(party, use) {
  return { id: `${party.split(':')[1]}-${use}-1`, party, use };
}

function makeKeyring() {
  const shared = Object.entries(SHARED).flatMap(([party, uses]) => uses.map(use =>
    ({ ...describe(party, use), alg: 'hmac-sha256', secret: randomBytes(32).toString('base64url') })));
  // The edge has the public half only: it cannot sign as the partner.
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return [...shared, { ...describe(PARTNER, 'partner-call'), alg: 'ed25519', public: x }];
}

if (process.env.WRANGLER_COMMAND === 'dev' && !existsSync(FILE)) {
  writeFileSync(FILE, `KEYRING='${JSON.stringify(makeKeyring())}'\n`, { mode: 0o600, flag: 'wx' });
  console.log(`Wrote keys for this machine to ${FILE}.`);
}
