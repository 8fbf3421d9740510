/** The script of each edge, once however often it is asked for. */
const scripts = new Map();
let policy;

/** Adds the script of an edge to the page, and answers when `<pay-on-bill>` is defined. */
export function loadPayOnBill(edge, { integrity, src = new URL('/widget/v1/onbill.js', edge).href, nonce } = {}) {
  if (customElements.get('pay-on-bill')) return customElements.whenDefined('pay-on-bill');
  if (!scripts.has(src)) {
    const added = add(src, integrity, nonce);
    scripts.set(src, added);
    added.catch(() => scripts.delete(src));       // so that it can be tried again
  }
  return scripts.get(src);
}

async function add(src, integrity, nonce) {
  const script = document.createElement('script');
  policy ??= globalThis.trustedTypes?.createPolicy('onbill', { createScriptURL: address => address });
  if (integrity) Object.assign(script, { integrity, crossOrigin: 'anonymous' });
  if (nonce) script.nonce = nonce;
  const loaded = new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error(`${src} could not be loaded`));
  });
  script.src = policy ? policy.createScriptURL(src) : src;
  document.head.append(script);
  try {
    await loaded;
  } catch (error) {
    script.remove();
    throw error;
  }
  return customElements.whenDefined('pay-on-bill');
}
