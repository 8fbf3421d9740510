//! The rules and wire types of onbill, shared by the edge, the origin and the sandbox.
//!
//! Architecture invariant: nothing here does I/O, is async, reads a clock, draws randomness, or
//! knows an HTTP server, SQL or the Workers platform. Time and random bytes are arguments, so that
//! each rule can be tested by a table.

#![warn(missing_docs)]

pub mod accept;
pub mod account;
pub mod account_event;
pub mod agreement;
pub mod charge_code;
pub mod correlator;
pub mod coupon_code;
pub mod currency;
pub mod day;
pub mod decline_reason;
pub mod deployment;
pub mod digest;
pub mod encoding;
pub mod ids;
pub mod jws;
pub mod key;
pub mod limits;
pub mod locale;
pub mod mandate;
pub mod money;
pub mod msisdn;
pub mod number_in_pai;
pub mod operator_entry;
pub mod pai;
pub mod plain_text;
pub mod plural;
pub mod raw_code;
pub mod refusal_detail;
pub mod reject;
pub mod return_url;
pub mod root_key;
pub mod signature;
pub mod similar_word;
pub mod site_origin;
pub mod spending;
pub mod tax;
pub mod timestamp;
pub mod token;
pub mod trace_context;
pub mod typed;
pub mod wire;
pub mod word_enum;
pub mod words;
