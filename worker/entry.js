// The script that Cloudflare starts: it passes each request on to the Rust code.
//
// A trap (a panic, memory that ran out) leaves the instance's memory in an unknown state. The calls that were under way in
// it fail, and the next one begins in new memory.

import { __wbg_reset_state as resetMemory, __worker_init_state as readState, fetch as handle } from './index.js';

const state = readState();

const noteTrap = error => {
  if (!(error instanceof WebAssembly.RuntimeError)) return;
  console.error('The edge has trapped.', error);
  state.criticalError = true;
};

addEventListener('error', event => noteTrap(event.error));

export default {
  async fetch(request, env, context) {
    if (state.criticalError) {
      resetMemory();
      state.criticalError = false;
    }
    try {
      return await handle(request, env, context);
    } catch (error) {
      noteTrap(error);
      throw error;
    }
  },
};
