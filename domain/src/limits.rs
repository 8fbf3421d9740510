//! Every limit that a caller can meet, each with the reason for its number.

/// Largest body of a request or a response, in bytes: the contract's 16 KiB, about ten times the
/// largest real message.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// How far `created` of a signature may be from our clock, in seconds: wide enough for a server
/// whose clock drifts. A nonce has to be remembered for twice as long.
pub const SIGNATURE_SKEW_SECONDS: i64 = 300;

/// Longest nonce, in bytes: a UUID and 32 random bytes in base64 both fit.
pub const NONCE_BYTES_MAX: usize = 64;

/// Shortest nonce, in bytes: a shorter one has too little randomness to be unique.
pub const NONCE_BYTES_MIN: usize = 16;

/// Lifetime of a sign-up token, in seconds: it is used one server-to-server call later.
pub const SIGNUP_TOKEN_TTL_SECONDS: i64 = 300;

/// Longest lifetime of a dashboard's session assertion, in seconds: as long as a customer may read
/// a bill page before a click.
pub const SESSION_ASSERTION_TTL_SECONDS_MAX: i64 = 900;

/// Lifetime of the signed result on the operator's return URL, in seconds: one redirect and a check
/// on the operator's server.
pub const RETURN_RESULT_TTL_SECONDS: i64 = 600;

/// Longest compact JWS, in bytes: a session assertion with about 50 numbers.
pub const JWS_BYTES_MAX: usize = 4096;

/// Digits of a PIN: a million PINs against five attempts.
pub const PIN_DIGITS: usize = 6;

/// Lifetime of a PIN, in seconds: long enough for a slow SMS.
pub const PIN_TTL_SECONDS: i64 = 600;

/// Attempts at one PIN, the right one included, before it is void.
pub const PIN_ATTEMPTS_MAX: u32 = 5;

/// PINs sent to one number in 24 hours at any pace: a customer who mistypes needs three. Each way of
/// asking has its own (the widget, the widget with a session of the dashboard, each partner's app),
/// so that those who ask in one way do not lock out those who ask in another.
pub const PINS_PER_DAY_MAX: u32 = 10;

/// Seconds between two PINs of one number beyond [`PINS_PER_DAY_MAX`]: an hour. Whoever uses up a
/// number's PINs keeps its subscriber waiting for an hour and not for a day. A guesser gets at most
/// 34 PINs a day in each way of asking, with five attempts each: 170 chances in a million.
pub const PIN_PAUSE_SECONDS: i64 = 3_600;

/// PINs that strangers can have sent to one number in 24 hours before the edge asks for a challenge,
/// where it has one: most customers need one, and a second when the first message was slow.
pub const PINS_WITHOUT_CHALLENGE: u32 = 2;

/// Longest solution of a challenge, in bytes: the longest that Turnstile gives.
pub const CHALLENGE_TOKEN_BYTES_MAX: usize = 2048;

/// How often one partner may ask about one number in a day (UTC). An app asks when it is set up,
/// when its customer opens the page for paying, and with each attempt at a PIN: ten PINs with five
/// attempts each, and ten questions more. It stops an app in a loop, and the watching of a line.
pub const NUMBER_CHECKS_PER_DAY_MAX: u32 = 60;

/// Lifetime of a widget flow, in seconds: the lifetime of a PIN, and time to read the offer.
pub const FLOW_TTL_SECONDS: i64 = 1800;

/// Largest logo, in bytes of its SVG: drawn ones have 1 to 4 KiB, and a picture wrapped into an SVG is
/// not what a sharp screen needs.
pub const LOGO_BYTES_MAX: usize = 16 * 1024;

/// Largest font, in bytes of its WOFF2: a variable one with Latin, Greek and Cyrillic fits. The widget
/// does not wait for a larger one anyway.
pub const FONT_BYTES_MAX: usize = 100 * 1024;

/// Longest number as typed, in bytes: 15 digits of a four-byte script, with punctuation between all
/// of them and marks of direction around them.
pub const MSISDN_INPUT_BYTES_MAX: usize = 128;

/// Longest external id, in characters: real ones are UUIDs or shorter than 64.
pub const EXT_ID_CHARS_MAX: usize = 128;

/// Longest PAI, in characters: onbill's own have 36, and those of the systems that it follows about 20.
pub const PAI_CHARS_MAX: usize = 128;

/// Longest description of a bill line, in characters: billing systems truncate at 100 or more.
pub const DESCRIPTION_CHARS_MAX: usize = 100;

/// Longest charge code of the operator's billing, in characters: real ones are shorter than 40.
pub const CHARGE_CODE_CHARS_MAX: usize = 64;

/// Longest code of billing that is read and passed on, in characters: codes are this short, sentences
/// are not.
pub const RAW_CODE_CHARS_MAX: usize = 64;

/// Largest charge, in minor units. It guards against a misplaced decimal point, and is ten times
/// the most expensive plan in the weakest currency (one million Indonesian rupiah, with two
/// decimals).
pub const CHARGE_MINOR_MAX: i64 = 100_000_000;

/// Longest service period of a charge, in days: a yearly plan and a month of grace.
pub const SERVICE_PERIOD_DAYS_MAX: i64 = 400;

/// Charges on one page of the ledger: as many as fit into [`BODY_BYTES_MAX`] with the longest ids.
pub const TRANSACTIONS_PER_PAGE: u32 = 25;

/// Mandates on one page of the operator's list: with the longest ids, they fit into a body.
pub const MANDATES_PER_PAGE: u32 = 8;

/// Links, SMS and events of a subscriber, and refunds of a charge, that a desk reads at once, of each
/// kind: more than an agent reads on the telephone.
pub const DESK_LINES_MAX: u32 = 20;

/// Days in one summary: a month, and all until the same month of the year before.
pub const SUMMARY_DAYS_MAX: u16 = 400;

/// Charges on one account page: a year of one subscription, which fits into [`BODY_BYTES_MAX`].
pub const ACCOUNT_CHARGES_PER_PAGE: u32 = 12;

/// Subscriptions on the account page: more than there are partners, and few enough for
/// [`BODY_BYTES_MAX`]. Linked ones come before closed ones.
pub const ACCOUNT_SUBSCRIPTIONS_MAX: usize = 8;

/// Longest URL that is passed along, in bytes: every browser and proxy supports it.
pub const URL_BYTES_MAX: usize = 2048;

/// Longest time after a SIM swap for which sign-up by PIN can be refused, in hours: a year. Older
/// swaps are forgotten.
pub const SIM_SWAP_HOLD_HOURS_MAX: i64 = 8_760;

/// PAIs that an origin compares with the edge's store in one call. Each may take a read and a write
/// there, and the smallest Workers plan allows 50 subrequests per call.
pub const PAI_MAPPINGS_PER_CALL_MAX: usize = 25;

/// Seconds after which a caller should try again when a system behind onbill is down: long enough
/// to relieve it, short enough for a customer to wait.
pub const RETRY_AFTER_SECONDS: u32 = 30;

/// Longest coupon plan, in months: what fits into [`SERVICE_PERIOD_DAYS_MAX`].
pub const COUPON_MONTHS_MAX: u8 = 12;

/// SMS with a code that one coupon can have: the first, and four for a customer who lost it. Each
/// has another code, so that a caller who repeats itself would void what the customer is about to
/// type.
pub const COUPON_SMS_MAX: u32 = 5;

/// Longest message of a partner to a subscriber, in UTF-16 units, as phones count characters in
/// most scripts. After a short partner name it fits into one SMS in Latin script, and after the
/// longest name into three SMS in any script.
pub const NOTIFICATION_UTF16_UNITS_MAX: usize = 150;

/// Messages of a partner to one subscriber in one day (UTC): a day with a failed payment has three
/// or four. The operator pays for each, and a subscriber who gets more stops reading them.
pub const NOTIFICATIONS_PER_DAY_MAX: u32 = 5;

/// How long the delivery of a partner's message is retried, in seconds: what it says of today is
/// wrong tomorrow.
pub const NOTIFICATION_TTL_SECONDS: i64 = 86_400;

/// Longest entry of an operator, in bytes: ten dashboards with long names take half of it.
pub const OPERATOR_ENTRY_BYTES_MAX: usize = 4096;

/// Operators of one edge: what Workers KV lists in one call, and what one call of the edge may ask.
pub const OPERATORS_MAX: usize = 1000;

/// Epochs of keys that are accepted of one operator: two while it rotates, and two more while the
/// root key is rotated as well.
pub const KEY_EPOCHS_MAX: usize = 4;
