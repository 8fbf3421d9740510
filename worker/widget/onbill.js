// Defines <pay-on-bill>. What it does to the page: routes/widget/loader.rs.
(() => {
  if (customElements.get('pay-on-bill')) return;
  const edge = 'ONBILL_EDGE';
  const words = ONBILL_WORDS;

  const sheet = new CSSStyleSheet();
  sheet.replaceSync(ONBILL_STYLE);

  // The rest of the address stays as it is, byte for byte.
  const [, path, query, hash] = location.href.match(/^([^?#]*)\??([^#]*)(.*)/);
  const own = /^onbill_result(=|$)/;
  const pairs = query.split('&');
  let result = pairs.find(pair => own.test(pair))?.slice(14);
  if (result != null) {
    const kept = pairs.filter(pair => !own.test(pair));
    history.replaceState(history.state, '', path + (kept.length ? '?' : '') + kept.join('&') + hash);
  }

  customElements.define('pay-on-bill', class extends HTMLElement {
    static observedAttributes = ['operator', 'offer', 'view', 'locale', 'return-url', 'session'];
    #root = this.attachShadow({ mode: 'open' });
    #dress = () => this.#init({});
    #watch = new MutationObserver(this.#dress);
    #gone; #frame; #port; #theme; #session; #step; #late; #queued;

    get session() { return this.#session ?? this.getAttribute('session'); }
    set session(value) { this.#session = value; this.#introduce(); }

    connectedCallback() {
      if (Object.hasOwn(this, 'session')) {          // set before this script came
        this.#session = this.session;
        delete this.session;
      }
      this.#root.adoptedStyleSheets = [sheet];
      this.#gone = new AbortController();
      const on = (target, type, act) => target.addEventListener(type, act, { signal: this.#gone.signal });
      on(window, 'message', event => this.#message(event));
      on(matchMedia('(prefers-color-scheme: dark)'), 'change', this.#dress);
      on(window, 'load', this.#dress);               // the page's style sheets may come after the frame
      for (const dressed of [document.documentElement, this]) this.#watch.observe(dressed, { attributes: true });
      this.#load();
    }

    disconnectedCallback() {
      this.#gone.abort();
      this.#watch.disconnect();
      clearTimeout(this.#late);
      this.#frame = this.#port = null;
      this.#root.replaceChildren();
    }

    attributeChangedCallback(name, before, after) {
      if (!this.isConnected || before === after) return;
      if (name === 'session') this.#introduce();
      else this.#queued ??= setTimeout(() => this.#load());      // several attributes, one load
    }

    #load() {
      clearTimeout(this.#queued);
      clearTimeout(this.#late);
      this.#queued = this.#step = this.#port = null;
      const [operator, offer, view] = ['operator', 'offer', 'view'].map(name => this.getAttribute(name));
      if (!this.isConnected || !operator || !(offer || view)) return;
      const locale = this.getAttribute('locale') || document.documentElement.lang;
      const back = new URL(this.getAttribute('return-url') || location.pathname, location.href);
      const url = new URL('/widget/v1/frame', edge);
      url.search = new URLSearchParams({ operator, ...view ? { view } : { offer }, ...locale && { locale }, 'return-url': back, parent: location.origin });
      const text = words[locale.slice(0, 2).toLowerCase()] || words.en;

      const frame = this.#frame = document.createElement('iframe');
      frame.referrerPolicy = 'no-referrer';
      frame.src = url;
      this.#root.replaceChildren(frame);
      this.#late = setTimeout(() => {
        const [box, note, retry] = ['div', 'p', 'button'].map(name => document.createElement(name));
        note.role = 'alert';
        retry.textContent = text[1];
        retry.onclick = () => { this.#load(); this.#frame?.focus(); };
        this.#frame = null;
        box.append(note, retry);
        this.#root.replaceChildren(box);
        note.textContent = text[0];                  // after it is in the page, so that it is announced
        this.#tell('error', { code: 'frame-unavailable' });
      }, 15000);
    }

    // Only the edge's own frame of this element is believed.
    #message({ source, origin, data }) {
      if (!this.#frame || source !== this.#frame.contentWindow || origin !== edge || data?.onbill !== 1) return;
      const { type, height, step, outcome, code } = data;
      if (type === 'resize' && height > 0) this.#frame.style.height = Math.min(height, 4000) + 2 + 'px';
      if (type === 'ready') {
        clearTimeout(this.#late);
        const { port1, port2 } = new MessageChannel();
        this.#port = port1;
        this.#theme = data.theme;
        this.#frame.title = data.title;
        this.#init({ result }, [port2]);
        this.#introduce();
        this.#tell(type, {});
      }
      if (type === 'step') {
        if (step === 'number' && this.#step) this.#introduce();  // starting over: a fresh assertion
        else if (!/number|account/.test(step)) result = null;    // it was shown, or something new has begun: not again
        this.#step = step;
        this.#tell(type, { step });
      }
      if (type === 'success') this.#tell(type, { outcome, result: data.result });
      if (type === 'error') {
        result = null;
        this.#tell(type, { code });
      }
      if (type === 'exit' && this.#tell(type, {})) this.hidden = true;
    }

    // The session goes to the document that has said it is ready, and to no later one of the frame.
    async #introduce() {
      const port = this.#port;
      if (!port) return;
      let { session } = this;
      if (typeof session === 'function') session = await Promise.resolve().then(session).catch(() => 0);   // the PIN proves the number too
      if (typeof session === 'string' && port === this.#port) port.postMessage(session);
    }

    #init(details, ports = []) {
      if (!this.#port) return;
      const style = getComputedStyle(this);
      const values = this.#theme.map(name => [name, style.getPropertyValue('--onbill-' + name).trim()]);
      this.#frame.contentWindow.postMessage({ onbill: 1, type: 'init', theme: Object.fromEntries(values), ...details }, edge, ports);
    }

    #tell(type, detail) {
      return this.dispatchEvent(new CustomEvent(type, { bubbles: true, cancelable: type === 'exit', detail }));
    }
  });
})();
