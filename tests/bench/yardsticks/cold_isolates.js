// Answers each request from an isolate that has just been made for it, with the worker in SOURCE and WASM: what a
// deployment does when a request comes to a machine on which the worker does not run yet.
let count = 0

export default {
  fetch(request, env) {
    const worker = env.LOADER.get(`isolate-${count++}`, () => ({
      compatibilityDate: env.COMPATIBILITY.date,
      compatibilityFlags: env.COMPATIBILITY.flags,
      mainModule: 'index.js',
      modules: { 'index.js': env.SOURCE, 'index_bg.wasm': { wasm: env.WASM } },
      env: env.VARIABLES,
    }))
    return worker.getEntrypoint().fetch(request)
  },
}
