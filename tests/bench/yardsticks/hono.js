// What a developer would write instead of the edge: Hono for the routes, jose for the token, http-message-sig for the
// signatures of RFC 9421, and the platform's own WebCrypto. It does the edge's job for two calls and nothing else: the
// partner's signature and digest, its rate, the token or the route in KV, a signed call to the origin, one line of log.

import { Hono } from 'hono'
import { jwtVerify } from 'jose'
import { createSignature, verifySignature, webcrypto } from 'http-message-sig'

const SIGNED = ['@method', '@authority', '@path', '@query', 'content-digest', 'content-type']
const SKEW_SECONDS = 300
const BODY_BYTES_MAX = 16 * 1024
const RELAYED = ['content-type', 'content-digest', 'signature-input', 'signature']

const bytesOf = text => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), c => c.charCodeAt(0))
const base64Of = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes)))

let keys
// Imports the keys once for each isolate.
const importKeys = env => (keys ??= (async () => {
  const ring = JSON.parse(env.ORIGIN_KEYS)
  const find = use => ring.find(key => key.use === use)
  const hmac = key => crypto.subtle.importKey('raw', bytesOf(key.secret), { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const verifiers = new Map()
  for (const key of ring.filter(key => key.use === 'partner-call')) {
    const imported = await crypto.subtle.importKey('raw', bytesOf(key.public), 'Ed25519', false, ['verify'])
    verifiers.set(key.id, { party: key.party, verifier: webcrypto.verifier(imported) })
  }
  const toOrigin = find('edge-to-origin')
  const secret = await hmac(toOrigin)
  const signer = {
    algorithm: 'hmac-sha256',
    sign: async data => new Uint8Array(await crypto.subtle.sign('HMAC', secret, data)),
  }
  return { verifiers, signer, signerId: toOrigin.id, token: bytesOf(find('signup-token').secret) }
})())

const refusal = (c, status, code) => c.json({ code, message: 'The call is refused.' }, status)

const app = new Hono()

// The partner that signed is in `partner`, the body in `bytes`.
app.use('/ott/v1/*', async (c, next) => {
  const { verifiers } = await importKeys(c.env)
  if (!(c.req.header('content-type') ?? '').startsWith('application/json')) return refusal(c, 415, 'unsupported-media-type')
  const bytes = await c.req.arrayBuffer()
  if (bytes.byteLength > BODY_BYTES_MAX) return refusal(c, 413, 'body-too-large')
  const digest = `sha-256=:${base64Of(await crypto.subtle.digest('SHA-256', bytes))}:`
  if (c.req.header('content-digest') !== digest) return refusal(c, 401, 'authorization-failure')
  let partner
  try {
    await verifySignature(c.req.raw, {
      label: 'sig1',
      policy: {
        algorithms: ['ed25519'],
        requiredComponents: SIGNED,
        requiredParameters: ['created', 'nonce', 'keyid', 'tag'],
        maxAge: SKEW_SECONDS,
        clockSkew: SKEW_SECONDS,
        validate: signature => signature.parameters.tag === 'onbill-partner-call',
      },
      resolveVerifier: candidate => {
        const known = verifiers.get(candidate.parameters.keyid)
        partner = known.party.replace('partner:', '')
        return known.verifier
      },
    })
  } catch {
    return refusal(c, 401, 'authorization-failure')
  }
  if (!(await c.env.PARTNER_RATE.limit({ key: partner })).success) return refusal(c, 429, 'too-many-requests')
  c.set('partner', partner)
  c.set('bytes', bytes)
  await next()
  console.log(JSON.stringify({ level: 'info', method: c.req.method, route: c.req.path, status: c.res.status }))
})

// Passes the call on to the origin under a signature of its own.
const forward = async (c, handle) => {
  const { signer, signerId } = await importKeys(c.env)
  const headers = new Headers({
    'content-type': c.req.header('content-type'),
    'content-digest': c.req.header('content-digest'),
    'onbill-partner-signature-input': c.req.header('signature-input'),
    'onbill-partner-signature': c.req.header('signature'),
    'x-correlator': crypto.randomUUID(),
  })
  if (handle) headers.set('onbill-subscriber', handle)
  const url = c.env.ORIGIN + c.req.path
  const unsigned = new Request(url, { method: 'POST', headers })
  const signed = await createSignature(unsigned, {
    label: 'sig1',
    components: SIGNED,
    parameters: {
      created: Math.floor(Date.now() / 1000),
      nonce: base64Of(crypto.getRandomValues(new Uint8Array(16))),
      keyid: signerId,
      tag: 'onbill-edge-to-origin',
    },
    signer,
  })
  headers.set('signature-input', signed.signatureInput)
  headers.set('signature', signed.signature)
  const response = await fetch(url, {
    method: 'POST', headers, body: c.get('bytes'), signal: AbortSignal.timeout(25_000), redirect: 'manual',
  })
  if (!response.ok) return refusal(c, 503, 'service-unavailable')
  const body = await response.text()
  JSON.parse(body)
  const relayed = RELAYED.map(name => [name, response.headers.get(name)]).filter(([, value]) => value)
  return new Response(body, { status: response.status, headers: relayed })
}

const readBody = c => JSON.parse(new TextDecoder().decode(c.get('bytes')))

app.post('/ott/v1/token/validate', async c => {
  const { token } = await importKeys(c.env)
  try {
    const { payload } = await jwtVerify(readBody(c).token, token, {
      algorithms: ['HS256'], typ: 'onbill+jwt', issuer: 'onbill', audience: c.get('partner'),
    })
    if (payload.op !== 'acme') return refusal(c, 400, 'token-invalid')
  } catch {
    return refusal(c, 400, 'token-invalid')
  }
  return forward(c)
})

app.post('/ott/v1/transaction', async c => {
  const charge = readBody(c)
  const { value } = charge.amount ?? {}
  if (typeof charge.extTransactionID !== 'string' || !Number.isInteger(value) || value < 1) return refusal(c, 400, 'invalid-request')
  const mapping = await c.env.PAI_MAPPINGS.get(`pai/${charge.pai}`, 'json')
  if (!mapping) return refusal(c, 404, 'pai-not-found')
  return forward(c, mapping.subscriber)
})

export default app
