//! What the edge needs of its host: a key-value store, the deployment's settings, outgoing calls, a
//! clock, randomness, a rate limiter, a log and a store of data points.
//!
//! Not here: what is stored, called, logged or measured. The trait has no notion of operators, partners or
//! money.

use bytes::Bytes;
use http::{Request, Response};
use onbill_domain::timestamp::Timestamp;
use std::fmt;
use std::future::Future;

#[cfg(target_arch = "wasm32")]
pub(crate) mod workers;

/// An outgoing call times out after this many seconds. A sign-up calls the operator and then the
/// partner while a customer waits: both, and KV, fit into the 20 seconds after which the widget
/// times out itself.
pub const SEND_SECONDS_MAX: u32 = 8;

/// The headers of a request that the edge reads. A host need not pass others on.
pub const REQUEST_HEADERS: [&str; 14] = [
    "accept",
    "accept-language",
    "cf-connecting-ip",
    "content-digest",
    "content-length",
    "content-type",
    "if-none-match",
    "origin",
    "sec-fetch-site",
    "signature",
    "signature-input",
    "traceparent",
    "tracestate",
    "x-correlator",
];

/// The headers of a response to the edge's own calls that it reads.
pub const RESPONSE_HEADERS: [&str; 4] = ["content-digest", "retry-after", "signature", "signature-input"];

/// The host. Its futures need not be `Send` (the Workers platform's are not); where they are, so
/// are the edge's.
pub trait Platform {
    /// Reads a value. It may be up to a minute old, and "absent" may be as old: neither is proof of
    /// anything.
    fn kv_get(&self, key: &str) -> impl Future<Output = Result<Option<String>, KvUnavailable>>;

    /// Writes a value. On an error it may have been written nevertheless.
    fn kv_put(&self, key: &str, value: &str) -> impl Future<Output = Result<(), KvUnavailable>>;

    /// Writes a value once the response has left, and forgets it after `ttl_seconds`. Nobody learns
    /// whether it was written.
    fn kv_put_later(&self, key: &str, value: &str, ttl_seconds: u32);

    /// Reads the deployment's settings at up to 100 keys, in their order. The edge never writes them.
    /// Each may be a minute old.
    fn read_settings(
        &self,
        keys: &[String],
    ) -> impl Future<Output = Result<Vec<Option<String>>, KvUnavailable>>;

    /// Lists the keys of settings that begin with `prefix`: all of them, or some more than `count_max`
    /// when there are more.
    fn list_settings(
        &self,
        prefix: &str,
        count_max: usize,
    ) -> impl Future<Output = Result<Vec<String>, KvUnavailable>>;

    /// Sends a request, whose URI is absolute, and reads the whole response. It follows no
    /// redirects, waits no longer than [`SEND_SECONDS_MAX`], and reads no more than
    /// `limits::BODY_BYTES_MAX`.
    fn send(&self, request: Request<Bytes>) -> impl Future<Output = Result<Response<Bytes>, Unreachable>>;

    /// Whether a caller is within its rate. Limits that protect a number or money are counted at
    /// the origin, so a host whose limiter is broken says yes.
    fn is_within_rate(&self, limiter: RateLimiter, key: &str) -> impl Future<Output = bool>;

    fn now(&self) -> Timestamp;

    /// The same clock in Unix milliseconds, for the log and for durations. On the Workers platform
    /// it stands still while the edge computes: it goes on with each response that the edge waits
    /// for.
    fn now_milliseconds(&self) -> i64;

    /// Unpredictable bytes; `None` when the host has no randomness.
    fn random_bytes(&self) -> Option<[u8; 16]>;

    /// Writes one line of JSON to the log.
    fn log(&self, line: &str);

    /// Keeps a data point, if the deployment has a place for them.
    fn record(&self, point: &DataPoint);
}

/// One measurement. A host may keep a part of them only, and then counts each that it keeps for as
/// many as have its index. No word has a line feed in it.
#[derive(Clone, Debug, PartialEq)]
pub struct DataPoint {
    /// At most 96 bytes.
    pub index: String,
    pub words: [String; 7],
    pub numbers: [f64; 2],
}

/// A rate, and the key by which its callers are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateLimiter {
    /// Browsers, by address.
    Widget,
    /// Browsers' requests for a PIN, by address.
    Pin,
    /// Partners, by id.
    Partner,
    /// Partners' calls about numbers, by the partner's id.
    Device,
}

/// KV did not respond, or its response says that it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvUnavailable;

/// Why a call got no response that could be read. The other party may have acted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// No connection, or it broke.
    Broken,
    /// No complete response within [`SEND_SECONDS_MAX`].
    TimedOut,
    /// The response was over `limits::BODY_BYTES_MAX`.
    TooLarge,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "no connection",
            Self::TimedOut => "no response in time",
            Self::TooLarge => "the response is too large",
        })
    }
}
