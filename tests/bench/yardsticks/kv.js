// A KV namespace that has every key: workerd asks it by HTTP for what a worker reads from its namespace. The value is the
// binding VALUE.
export default {
  fetch: (_request, env) => new Response(env.VALUE),
}
