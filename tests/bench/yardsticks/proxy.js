// The runtime's own floor: one call passed on to the origin with its headers and its body, and the response passed back.
// It checks nothing.
export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url)
    return fetch(env.ORIGIN + pathname, { method: request.method, headers: request.headers, body: request.body })
  },
}
