// Defines <pay-on-bill>. What it does to the page: routes/widget/loader_script.rs.
(() => {
  if (customElements.get('pay-on-bill')) return;
  const edge = 'ONBILL_EDGE';
  const [notLoaded, again] = ONBILL_WORDS;

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(ONBILL_STYLE);

  // Asked of the class: an element of the page that is named like a property of the document hides it.
  const page = (method, name) => Document.prototype[method].call(document, name);

  // The rest of the address stays as it is, byte for byte.
  let result;
  const [, path, query, hash] = /([^?#]*)\??([^#]*)(.*)/.exec(location);
  const kept = ('&' + query).replace(/&onbill_result(?:=([^&]*))?(?=&|$)/g, (pair, value = '') => { result ??= value; return ''; });
  if (result != null) history.replaceState(history.state, '', path + kept.replace('&', '?') + hash);

  // The elements on the page that are not destroyed. Each hears of every message, and of all that can change the page's look.
  const shown = new Map();
  const happen = event => shown.forEach(({ hear }) => hear(event));
  const watch = new MutationObserver(happen);
  matchMedia('(prefers-color-scheme:dark)').addEventListener('change', happen);
  addEventListener('message', happen);
  addEventListener('load', happen);                    // the page's style sheets may come after the frame

  const ATTRIBUTES = ['operator', 'offer', 'view', 'locale', 'return-url'];

  class PayOnBill extends HTMLElement {
    static observedAttributes = ['session', ...ATTRIBUTES];
    #session;

    constructor() {
      super().attachShadow({ mode: 'open', delegatesFocus: true }).adoptedStyleSheets = [sheet];
      this.shadowRoot.replaceChildren(page('createElement', 'iframe'));      // keeps the room until the frame comes
    }

    get session() { return this.#session ?? this.getAttribute('session'); }
    set session(value) { this.#session = value; shown.get(this)?.introduce(); }

    connectedCallback() {
      for (const [name, value] of Object.entries(this)) {     // properties that were set before this script came
        delete this[name];
        this[name] = value;
      }
      for (const each of [page('querySelector', 'html'), this]) watch.observe(each, { attributes: true });
      this.reset();
    }

    attributeChangedCallback(name, before, after) {
      if (after === before) return;
      if (name === 'session') shown.get(this)?.introduce();
      else if (shown.has(this)) this.reset();
    }

    reset() {
      shown.get(this)?.end();
      if (this.isConnected) shown.set(this, show(this));
    }

    disconnectedCallback() { this.destroy(); }

    destroy() {
      shown.get(this)?.end();
      shown.delete(this);
      this.shadowRoot.replaceChildren();
    }
  }

  for (const name of ATTRIBUTES) {
    Object.defineProperty(PayOnBill.prototype, name.replace('-u', 'U'), {
      get() { return this.getAttribute(name) || ''; },
      set(value) { value == null ? this.removeAttribute(name) : this.setAttribute(name, value); },
    });
  }

  // Shows the frame in an element, from its beginning.
  function show(element) {
    let frame, port, names, last, timer;
    const wait = (milliseconds, act) => { clearTimeout(timer); timer = setTimeout(act, milliseconds); };
    // An error stays at the element: a mistyped code is none of the business of the page's error tracker.
    const tell = (type, detail) => element.dispatchEvent(
      new CustomEvent(type, { bubbles: type !== 'error', cancelable: true, detail }));

    function load() {
      const { operator, offer, view } = element;
      const locale = element.locale || element.closest('[lang]')?.lang || '';
      frame = page('createElement', 'iframe');
      frame.src = element.returnUrl || /[^?#]*/.exec(location);     // read again, it is absolute; nothing is loaded before it is shown
      frame.referrerPolicy = 'no-referrer';
      frame.allow = 'otp-credentials';
      frame.src = edge + '/widget/v1/frame?' + new URLSearchParams({ operator, offer, view, locale, 'return-url': frame.src, parent: origin });
      const giveUp = () => {
        if (frame?.title !== '') return;               // it has spoken, or this element shows another one
        const note = page('createElement', 'p'), retry = page('createElement', 'button');
        frame = null;
        note.role = 'alert';
        retry.textContent = again;
        retry.onclick = () => { load(); element.focus(); };
        element.shadowRoot.replaceChildren(note);
        note.append(notLoaded, retry);                      // after it is in the page, so that it is announced
        tell('error', { code: 'frame-unavailable' });
        console.error('onbill: ' + edge + '/widget/v1/refusals#frame-unavailable');
      };
      frame.onload = () => wait(400, giveUp);          // an error page of the browser's loads too
      wait(15000, giveUp);
      element.shadowRoot.replaceChildren(frame);
    }

    // Only the edge's own frame of this element is believed. A sandbox takes its origin away: then it can but say why.
    function hear({ source, origin, data }) {
      if (!source) return port && init();
      if (source !== frame?.contentWindow || !data?.onbill || origin !== edge && data.type !== 'error') return;
      const { onbill, type, title, theme, height, ...detail } = data;
      const { step, code } = detail;
      if (title) frame.title = title;
      if (height) frame.style.height = height + 'px';
      if (theme) {
        const { port1, port2 } = new MessageChannel();
        port = port1;
        names = theme;
        init({ result }, [port2]);
        introduce();
      }
      if (step === 'number' && last) introduce();      // starting over: a fresh assertion
      if (port && (code || step && !/number|account/.test(step))) result = null;    // it was shown, or something new has begun: not again
      last ||= step;
      if (type !== 'resize' && tell(type, detail) && type === 'exit') element.hidden = true;
    }

    // The session goes to the document that has said it is ready, and to no later one of the frame.
    async function introduce() {
      const to = port;
      let { session } = element;
      try {
        if (to && typeof session === 'function') session = await session();
        if (session && to === port) to?.postMessage(session);
      } catch {}                                       // the PIN proves the number too
    }

    function init(details, ports) {
      const theme = {};
      const style = getComputedStyle(element);
      for (const name of names) theme[name] = style.getPropertyValue('--onbill-' + name);
      frame.contentWindow.postMessage({ onbill: 1, type: 'init', theme, ...details }, edge, ports);
    }

    wait(0, load);                                     // once, however many attributes change
    return { hear, introduce, end: () => { clearTimeout(timer); frame = port = null; } };
  }
  customElements.define('pay-on-bill', PayOnBill);
})();
