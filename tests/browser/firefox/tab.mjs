// A tab of Firefox, and the widget's frame in it: what a customer sees and does, by real keys and clicks.

import { until } from '../harness/until.mjs';

const ENTER = '\uE007';

/** A tab with a jar of its own, and everything that goes wrong in it. */
export class Tab {
  complaints = [];
  #announced = [];
  #pages = new Map();

  static async open(firefox) {
    const tab = new Tab();
    tab.firefox = firefox;
    const { userContext } = await firefox.send('browser.createUserContext', {});
    const { context } = await firefox.send('browsingContext.create', { type: 'tab', userContext });
    tab.context = context;
    firefox.listen((method, params) => tab.#watch(method, params));
    return tab;
  }

  /** Errors, exceptions, failed requests and refusals. A missing icon of the site is none. */
  #watch(method, { level, type, text, response, errorText, request, isBlocked }) {
    if (method === 'network.beforeRequestSent' && isBlocked) this.#answer(request);
    if (method === 'log.entryAdded' && ['warn', 'error'].includes(level)) this.#note(`${type}: ${text}`);
    if (method === 'network.responseCompleted' && response.status >= 400 && !response.url.endsWith('/favicon.ico')) {
      this.#note(`${response.status} ${new URL(response.url).pathname}`);
    }
    // Firefox says so as well of what a page that goes away was loading.
    if (method === 'network.fetchError' && errorText !== 'NS_BINDING_ABORTED') {
      this.#note(`${errorText} ${new URL(request.url).pathname}`);
    }
  }

  #note(what) {
    const announced = this.#announced.filter(({ words }) => what.includes(words));
    for (const each of announced) each.came = true;
    if (announced.length === 0) this.complaints.push(what);
  }

  /** Something with these words in it is part of the journey, and has to happen. */
  announce(...all) {
    for (const words of all) this.#announced.push({ words, came: false });
  }

  /** What was announced and has not come. */
  missing() {
    return this.#announced.filter(({ came }) => !came).map(({ words }) => words);
  }

  goto(url) {
    return this.firefox.send('browsingContext.navigate', { context: this.context, url, wait: 'complete' });
  }

  /** Answers what is asked of this address with a page of the test's own. */
  async serve(url, body, headers = {}) {
    this.#pages.set(url, {
      headers: Object.entries({ 'content-type': 'text/html; charset=utf-8', ...headers })
        .map(([name, value]) => ({ name, value: { type: 'string', value } })),
      body: { type: 'string', value: `<!doctype html><html lang="en"><title>A page</title><link rel="icon" href="data:,">${body}` },
    });
    await this.firefox.send('network.addIntercept', { phases: ['beforeRequestSent'], urlPatterns: [{ type: 'string', pattern: url }] });
  }

  #answer({ request, url }) {
    this.firefox.send('network.provideResponse', { request, statusCode: 200, ...this.#pages.get(url) })
      .catch(error => this.complaints.push(error.message));
  }

  /** Goes back by the browser's button. */
  goBack() {
    return this.firefox.send('browsingContext.traverseHistory', { context: this.context, delta: -1 });
  }

  resize(width, height) {
    return this.firefox.send('browsingContext.setViewport', { context: this.context, viewport: { width, height } });
  }

  reload() {
    return this.firefox.send('browsingContext.reload', { context: this.context, wait: 'complete' });
  }

  close() {
    return this.firefox.send('browsingContext.close', { context: this.context });
  }

  /** The page itself. */
  get page() { return new Part(this, async () => this.context); }

  /** The widget's frame, whichever document is in it by now. */
  get widget() {
    return new Part(this, async () => {
      const { contexts: [{ children }] } = await this.firefox.send('browsingContext.getTree', { root: this.context });
      return children.find(({ url }) => new URL(url).pathname === '/widget/v1/frame')?.context;
    });
  }
}

/** A document in a tab: its page, or a frame. */
class Part {
  constructor(tab, find) {
    this.tab = tab;
    this.find = find;
  }

  /** What a function answers in the document: text, a number, or nothing while there is no such document. */
  async ask(read, ...values) {
    const context = await this.find();
    if (!context) return undefined;
    const given = values.map(value => ({ type: 'string', value }));
    return this.#call(context, read, given).then(({ result }) => result?.value, () => undefined);
  }

  #call(context, read, given) {
    return this.tab.firefox.send('script.callFunction', {
      functionDeclaration: String(read), arguments: given, awaitPromise: true, target: { context },
    });
  }

  text(selector) {
    return this.ask(selector => document.querySelector(selector)?.textContent, selector);
  }

  /** Waits until the document has such an element. */
  has(selector) {
    return until(`there is ${selector}`, () => this.ask(selector => document.querySelector(selector) && 'yes', selector));
  }

  /** Waits until the widget shows this step, and with `error` this complaint. */
  shows(state, error) {
    return this.has(`body[data-state="${state}"]${error ? `[data-error="${error}"]` : ':not([data-error])'}`);
  }

  async #element(selector) {
    await this.has(selector);
    const context = await this.find();
    const { result } = await this.#call(context, selector => {
      const element = document.querySelector(selector);
      element.scrollIntoView({ block: 'center' });
      return element;
    }, [{ type: 'string', value: selector }]);
    return { context, element: { sharedId: result.sharedId } };
  }

  async click(selector) {
    const { context, element } = await this.#element(selector);
    const actions = [
      { type: 'pointerMove', x: 0, y: 0, origin: { type: 'element', element } },
      { type: 'pointerDown', button: 0 }, { type: 'pointerUp', button: 0 },
    ];
    await this.#act(context, { type: 'pointer', id: 'mouse', actions });
  }

  /** Types into whatever has the focus. */
  async type(text) {
    const actions = [...text].flatMap(value => [{ type: 'keyDown', value }, { type: 'keyUp', value }]);
    await this.#act(await this.find(), { type: 'key', id: 'keyboard', actions });
  }

  pressEnter() { return this.type(ENTER); }

  async fill(selector, text) {
    await this.click(selector);
    await this.type(text);
  }

  #act(context, source) {
    return this.tab.firefox.send('input.performActions', { context, actions: [source] });
  }
}
