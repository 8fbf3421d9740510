// The page of a refused frame: tells whoever is around it why, so that its engineer need not guess. The code is public: anyone
// can ask the edge.
(() => {
  const code = 'ONBILL_CODE';
  if (parent === window) return;
  console.error(`onbill: ${new URL(`refusals#${code}`, location)}`);
  parent.postMessage({ onbill: 1, type: 'error', code, title: document.title }, '*');
})();
