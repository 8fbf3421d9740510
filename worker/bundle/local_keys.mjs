// Keys for this machine alone: what `npx wrangler dev` needs to start the edge. wrangler runs this file before it serves,
// and before it deploys, when there is nothing to do: a deployment has its keys in secrets.
//
// No origin has the other half of these keys. Calls that need one end with 503, as they do while no origin runs.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';

const FILE = '.dev.vars';

/** The partner in wrangler.toml. */
const PARTNER = 'netflix';

const makeSecret = () => randomBytes(32).toString('base64url');

function describe(use) {
  return { id: `${PARTNER}-${use}-1`, party: `partner:${PARTNER}`, use };
}

function makePartnerKeys() {
  // The edge has the public half only: it cannot sign as the partner.
  const { x } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
  return [
    { ...describe('edge-to-partner'), alg: 'hmac-sha256', secret: makeSecret() },
    { ...describe('partner-call'), alg: 'ed25519', public: x },
  ];
}

/** The secrets by their names. `r1` is the root key that `key_epochs` of the operators in wrangler.toml name. */
function makeSecrets() {
  return { EDGE_ROOT_KEY: `r1.${makeSecret()}`, PARTNER_KEYS: JSON.stringify(makePartnerKeys()) };
}

if (process.env.WRANGLER_COMMAND === 'dev' && !existsSync(FILE)) {
  const lines = Object.entries(makeSecrets()).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(FILE, lines.join(''), { mode: 0o600, flag: 'wx' });
  console.log(`Wrote keys for this machine to ${FILE}.`);
}
