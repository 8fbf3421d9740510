// What the payment frame knows while it is open: its settings, the customer's number and flow, and where they stand.
// Number, PIN, session and flow live in this page's memory and in request bodies only: never in a URL, storage or the console.
// Only the step with the code is kept for a reload, in the tab: its flow, which proves nothing without the code (frame-code.js).

const $ = id => document.getElementById(id);
const boot = JSON.parse($('boot').textContent);
const { operator, partner, partners, strings, locale } = boot;
const pretty = numberWriter(operator.numbers);
const page = document.documentElement;
const shown = document.body.dataset;      // what is on the screen: data-state, data-error
const [number, code] = [$('msisdn'), $('code')];
const WAYS = ['primary', 'secondary', 'third'].map(each => $(`message-${each}`));

const TIMEOUT_MS = 20000;    // longer than the edge waits for the origin
const INIT_WAIT_MS = 500;    // a bare iframe has no loader to wait for
const RESEND_SECONDS = 30;
const NUMBER_MAX = 32;       // the longest number with any way of spacing it

// An assertion of the dashboard is for the frame that presents it first: this is how that frame is known again.
const me = Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
let session, flow, closing, digits = 6;
let lines = [], picking = false;     // the numbers that the dashboard vouches for, and whether one of them is picked
let types = false;           // the customer would rather type one, or has begun to
let asked, line = '';        // the number that the steps are about, if it is known, and how it is shown
let otp;                     // waits for the SMS, where a browser can
let solution;                // of a challenge: it is good for one call
let own, busy = false;       // own: it is about the customer's own page, not about an offer
let connected = false;       // a loader has spoken to us
let touched = false;         // the customer has: from then on focus follows the steps
let resendAt = 0, retryAt = 0;
let actions = [];
