// Firefox by WebDriver BiDi, which every Firefox speaks by itself (https://w3c.github.io/webdriver-bidi/): JSON over a
// WebSocket. The libraries that speak it, those of playwright and puppeteer, send commands that Firefox ESR 140 does not know
// and stop there; these journeys need a dozen commands.

import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { spawn } from 'node:child_process';

// It only ends what hangs: a cold start on a busy machine has taken 20 seconds.
const START_SECONDS = 90;

// Over those that Firefox sets by itself when it is driven: it connects to no other server.
const PREFERENCES = {
  'browser.safebrowsing.downloads.enabled': false,
  'network.captive-portal-service.enabled': false,
  'network.connectivity-service.enabled': false,
  'services.settings.server': 'data:,',
  'ui.prefersReducedMotion': 1,
};

const EVENTS = ['log.entryAdded', 'network.beforeRequestSent', 'network.responseCompleted', 'network.fetchError'];

/** The program's file, or nothing where there is none. */
export function findFirefox() {
  const names = ['firefox-esr', 'firefox'];
  const folders = (process.env.PATH || '').split(path.delimiter);
  const found = folders.flatMap(folder => names.map(name => path.join(folder, name))).find(file => fs.existsSync(file));
  return process.env.FIREFOX_BIN || found;
}

/** A running Firefox with a profile of its own. */
export class Firefox {
  #waiting = new Map();
  #last = 0;
  #listeners = [];

  static async launch(program, preferences = {}) {
    const firefox = new Firefox();
    firefox.profile = fs.mkdtempSync(path.join(os.tmpdir(), 'onbill-firefox-'));
    const lines = Object.entries({ ...PREFERENCES, ...preferences })
      .map(([name, value]) => `user_pref(${JSON.stringify(name)}, ${JSON.stringify(value)});\n`);
    fs.writeFileSync(path.join(firefox.profile, 'user.js'), lines.join(''));
    const options = ['--headless', '--no-remote', '--remote-debugging-port=0', '--profile', firefox.profile];
    firefox.process = spawn(program, options, { stdio: ['ignore', 'ignore', 'pipe'] });
    firefox.ended = new Promise(resolve => { firefox.process.once('exit', resolve); });
    try {
      await firefox.#connect(await firefox.#address());
    } catch (error) {
      await firefox.close();
      throw error;
    }
    return firefox;
  }

  /** Where it listens, which it says on its standard error. */
  #address() {
    let said = '';
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`Firefox does not start:\n${said}`)), START_SECONDS * 1000);
      this.process.once('error', reject);
      this.process.once('exit', code => reject(new Error(`Firefox ends with ${code}:\n${said}`)));
      this.process.stderr.on('data', words => {
        said += words;
        const [, address] = /WebDriver BiDi listening on (ws:\S+)/.exec(said) || [];
        if (!address) return;
        clearTimeout(late);
        said = '';
        resolve(`${address}/session`);
      });
    });
  }

  async #connect(address) {
    this.socket = new WebSocket(address);
    await new Promise((resolve, reject) => {
      this.socket.onopen = resolve;
      this.socket.onerror = () => reject(new Error(`${address} does not answer`));
    });
    this.socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    this.socket.onclose = () => {
      for (const { reject } of this.#waiting.values()) reject(new Error('Firefox has closed the session'));
    };
    await this.send('session.new', { capabilities: {} });
    await this.send('session.subscribe', { events: EVENTS });
  }

  #hear({ id, method, params, result, error, message }) {
    if (method) return this.#listeners.forEach(listener => listener(method, params));
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) waiting?.reject(new Error(`${waiting.method}: ${error}: ${message}`));
    else waiting?.resolve(result);
  }

  /** Calls `listener` with the method and the parameters of each event. */
  listen(listener) { this.#listeners.push(listener); }

  send(method, params) {
    const id = this.#last += 1;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { method, resolve, reject });
      this.socket.send(JSON.stringify({ id, method, params }));
    });
  }

  async close() {
    this.socket?.close();
    this.process.kill();
    await this.ended;
    fs.rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}
