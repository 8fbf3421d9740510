// The least that a signed charge needs of the runtime: its body, its rate, its route in KV, and one call to the origin
// with a deadline. It checks nothing and signs nothing, so the edge cannot cost less than this.
export default {
  async fetch(request, env) {
    const body = await request.arrayBuffer()
    const { pai } = JSON.parse(new TextDecoder().decode(body))
    const { success } = await env.PARTNER_RATE.limit({ key: 'netflix' })
    const mapping = await env.PAI_MAPPINGS.get(`pai/${pai}`)
    if (!success || !mapping) return new Response(null, { status: 503 })
    const { pathname } = new URL(request.url)
    return fetch(env.ORIGIN + pathname, {
      method: 'POST',
      headers: request.headers,
      body,
      signal: AbortSignal.timeout(8_000),
      redirect: 'manual',
    })
  },
}
