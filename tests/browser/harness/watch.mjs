// What a browser must not do behind a test's back: every error in a console, every exception, every failed request and
// every refusal (4xx, 5xx) is a complaint, unless the test has announced it; so is an announced one that never came.
// It also notes down every address that was asked for.

/** Method and address of each request of the whole run. */
export const requested = [];

export class Watch {
  #complaints = [];
  #announced = [];

  constructor(context) {
    context.on('request', request => requested.push({ method: request.method(), url: request.url() }));
    context.on('response', response => {
      const { pathname } = new URL(response.url());
      if (response.status() >= 400) this.#note(`${response.status()} ${pathname}`);
    });
    context.on('requestfailed', request => {
      const reason = request.failure()?.errorText;
      // The page went away while it was loading something.
      if (reason !== 'net::ERR_ABORTED') this.#note(`${reason} ${new URL(request.url()).pathname}`);
    });
    context.on('console', message => {
      // The browser's own words on what is noted above already.
      if (/^Failed to load resource/.test(message.text())) return;
      if (['error', 'warning'].includes(message.type())) this.#note(`console: ${message.text()}`);
    });
    context.on('weberror', error => this.#note(`exception: ${error.error().stack}`));
  }

  /** Something matching these words is part of the test, and has to happen. */
  announce(...patterns) {
    for (const pattern of patterns) this.#announced.push({ pattern, came: false });
  }

  #note(what) {
    const announced = this.#announced.filter(({ pattern }) => typeof pattern === 'string' ? what.includes(pattern) : pattern.test(what));
    for (const each of announced) each.came = true;
    if (announced.length === 0) this.#complaints.push(what);
  }

  /** Whether everything that was announced has come. */
  isComplete() {
    return this.#announced.every(({ came }) => came);
  }

  verdict() {
    const missing = this.#announced.filter(({ came }) => !came).map(({ pattern }) => `never came: ${pattern}`);
    return [...this.#complaints, ...missing];
  }
}
