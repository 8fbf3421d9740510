// The other half of workers.rs: each function does in one call what the edge needs of the Workers platform. Most of what a
// request costs is the platform's own objects, and crossing between wasm and JavaScript.
//
// A message's head is one text, a line for each field: neither a URL nor the name or value of a header can hold a line feed.

/** The method and the URL of a request, then those of its headers that are in `names`. */
export const readRequestHead = (request, names) => `${request.method}\n${request.url}${headerLines(request.headers, names)}`;

/** The body of a request or a response as bytes, cut off anywhere past `bytesMax`. */
export async function readBody(message, bytesMax) {
  const length = message.headers.get('content-length');
  // A body in a content coding is longer than its length says.
  const isShort = length !== null && length <= bytesMax && !message.headers.has('content-encoding');
  return new Uint8Array(isShort ? await message.arrayBuffer() : await readStream(message.body, bytesMax));
}

/** Sends a request, and reads status, headers in `names` and body of the response: `[head, body]`. */
export async function send(method, url, headers, body, names, milliseconds, bytesMax) {
  const signal = AbortSignal.timeout(milliseconds);
  const response = await fetch(url, {
    method, headers: headerPairs(headers), body: body.length ? body : undefined, redirect: 'manual', signal,
  });
  return [`${response.status}${headerLines(response.headers, names)}`, await readBody(response, bytesMax)];
}

/** A 303 and a 304 have no body, and the platform refuses to be given an empty one. */
export const makeResponse = (status, headers, body) =>
  new Response(body.length ? body : null, { status, headers: headerPairs(headers) });

export const readVariable = (env, name) => env[name];

export const readValue = (env, key) => env.PAI_MAPPINGS.get(key);

export const writeValue = (env, key, value) => env.PAI_MAPPINGS.put(key, value);

/** Writes a value that is forgotten after so many seconds. */
export const writeValueFor = (env, key, value, expirationTtl) => env.PAI_MAPPINGS.put(key, value, { expirationTtl });

/** The values of up to 100 keys, null for a key without one. A location reads each again after a minute. */
export async function readSettings(env, keys) {
  const values = await env.OPERATORS_KV.get(keys, { cacheTtl: 60 });
  return keys.map(key => values.get(key));
}

/** A list has up to 1000 keys, and fewer where keys were deleted: so many lists are read, and no more. */
const LISTS_MAX = 10;

/**
 * The keys that begin with `prefix`: all of them, or some more than `countMax` when there are more. Null when they do not
 * end.
 */
export async function listSettings(env, prefix, countMax) {
  const names = [];
  let cursor;
  for (let lists = 0; lists < LISTS_MAX; lists++) {
    const list = await env.OPERATORS_KV.list({ prefix, cursor });
    names.push(...list.keys.map(key => key.name));
    if (list.list_complete || names.length > countMax) return names;
    cursor = list.cursor;
  }
  return null;
}

export const checkRate = async (env, limiter, key) => (await env[limiter].limit({ key })).success;

export const writeLogLine = line => console.log(line);

/** Keeps a data point, where the deployment has a dataset for them. `words` has a line for each. */
export function writeDataPoint(env, index, words, ...numbers) {
  try {
    env.EDGE_METRICS?.writeDataPoint({ indexes: [index], blobs: words.split('\n'), doubles: numbers });
  } catch {
    // A point that cannot be kept costs no call.
  }
}

const headerLines = (headers, names) => names.map(name => {
  const value = headers.get(name);
  return value === null ? '' : `\n${name}:${value}`;
}).join('');

const headerPairs = lines => lines.split('\n').map(line => {
  const end = line.indexOf(':');
  return [line.slice(0, end), line.slice(end + 1)];
});

async function readStream(stream, bytesMax) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of stream ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > bytesMax) break;
  }
  return new Blob(chunks).arrayBuffer();
}
