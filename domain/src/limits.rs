//! Every limit that a caller can meet, each with the reason for its number.

/// Largest request or answer body, in bytes: the contract's 16 KiB, some ten times the largest real message.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// A signature may be this far from our clock, in seconds: wide enough for a drifting server, and how long a nonce
/// has to be remembered (twice this).
pub const SIGNATURE_SKEW_SECONDS: i64 = 300;

/// Longest nonce, in bytes: a UUID or 32 random bytes in base64 fit with room to spare.
pub const NONCE_BYTES_MAX: usize = 64;

/// Shortest nonce, in bytes: below 16 characters it cannot carry enough randomness to be unique.
pub const NONCE_BYTES_MIN: usize = 16;

/// Life of a sign-up token, in seconds: one server-to-server call away from being spent.
pub const SIGNUP_TOKEN_TTL_SECONDS: i64 = 300;

/// Longest life of a dashboard's session assertion, in seconds: as long as a bill page is read before a click.
pub const SESSION_ASSERTION_TTL_SECONDS_MAX: i64 = 900;

/// Life of the signed result on the operator's return URL, in seconds: one redirect and a server-side check.
pub const RETURN_RESULT_TTL_SECONDS: i64 = 600;

/// Longest compact JWS accepted, in bytes: a session assertion with some 50 numbers.
pub const JWS_BYTES_MAX: usize = 4096;

/// Digits of a PIN: a million codes against five tries.
pub const PIN_DIGITS: usize = 6;

/// Life of a PIN, in seconds: slow SMS are delivered, forgotten codes are dead.
pub const PIN_TTL_SECONDS: i64 = 600;

/// Tries at one PIN, the right ones among them, until it is void.
pub const PIN_ATTEMPTS_MAX: u32 = 5;

/// Codes sent to one number in 24 hours: a person who mistypes needs three; ten stop SMS floods and guessing
/// (at most 50 tries in a million codes a day).
pub const PINS_PER_DAY_MAX: u32 = 10;

/// A widget flow lives this long after its start, in seconds: PIN life plus time to read the offer.
pub const FLOW_TTL_SECONDS: i64 = 1800;

/// Longest number as typed, in bytes: 15 digits in three-byte script with generous punctuation.
pub const MSISDN_INPUT_BYTES_MAX: usize = 96;

/// Longest identifier of a partner's or operator's own, in characters: real ones are UUIDs or below 64.
pub const EXT_ID_CHARS_MAX: usize = 128;

/// Longest line of description on a bill, in characters: billing systems cut at 100 or more.
pub const DESCRIPTION_CHARS_MAX: usize = 100;

/// Largest single charge, in minor units: a safeguard against a misplaced decimal point, ten times the dearest plan
/// in the weakest currency (one million Indonesian rupiah, written with two decimals).
pub const CHARGE_MINOR_MAX: i64 = 100_000_000;

/// Longest service period of a charge, in days: a yearly plan and a month of grace.
pub const SERVICE_PERIOD_DAYS_MAX: i64 = 400;

/// Charges on one page of the ledger: as many as fit into [`BODY_BYTES_MAX`], were all their names of the longest.
pub const TRANSACTIONS_PER_PAGE: u32 = 25;

/// Charges on one page of the customer's own: a year of one subscription, and what fits into an answer.
pub const ACCOUNT_CHARGES_PER_PAGE: u32 = 12;

/// Subscriptions on the customer's own page: as many as there are partners, and what fits into an answer. What is linked
/// comes before what has ended.
pub const ACCOUNT_SUBSCRIPTIONS_MAX: usize = 8;

/// Longest URL passed along, in bytes: what every browser and proxy carries.
pub const URL_BYTES_MAX: usize = 2048;

/// Longest time for which a number on another SIM may be kept from signing up by PIN, in hours: a year. What was swapped
/// before that is forgotten.
pub const SIM_SWAP_HOLD_HOURS_MAX: i64 = 8_760;

/// PAIs that an origin may compare with the edge's store in one call: each may take a read and a write there, and the
/// smallest Workers plan has 50 subrequests for one call.
pub const PAI_MAPPINGS_PER_CALL_MAX: usize = 25;

/// Seconds after which a caller should try again when a party behind us is down: long enough to matter, short enough
/// for a person to wait.
pub const RETRY_AFTER_SECONDS: u32 = 30;

/// Longest plan of a coupon, in months: what fits into [`SERVICE_PERIOD_DAYS_MAX`].
pub const COUPON_MONTHS_MAX: u8 = 12;

/// Text messages with a code that one coupon can have: the first, and four more for a customer who has lost it. Each
/// has another code, so a caller that repeats itself voids what the customer is about to type.
pub const COUPON_SMS_MAX: u32 = 5;

/// Longest message of a partner's to a subscriber, in UTF-16 units, as phones count characters in most scripts: behind a
/// short name it fits into one text message in Latin script, and behind the longest into three in any script.
pub const NOTIFICATION_UTF16_UNITS_MAX: usize = 150;

/// Messages of a partner's to one subscriber on one day (UTC): a day on which a payment fails and is mended has three or
/// four. The operator pays for each, and who gets more will not read them.
pub const NOTIFICATIONS_PER_DAY_MAX: u32 = 5;

/// A message of a partner's is tried for so long, in seconds: what it says of today is wrong tomorrow.
pub const NOTIFICATION_TTL_SECONDS: i64 = 86_400;
