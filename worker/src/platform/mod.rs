//! What the edge needs of its host: a key-value store, outgoing calls, a clock, randomness, a rate
//! limiter and a log.
//!
//! Not here: what is stored, called or logged. The trait has no notion of operators, partners or
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
pub const REQUEST_HEADERS: [&str; 13] = [
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

    /// Sends a request, whose URI is absolute, and reads the whole response. It follows no
    /// redirects, waits no longer than [`SEND_SECONDS_MAX`], and reads no more than
    /// `limits::BODY_BYTES_MAX`.
    fn send(&self, request: Request<Bytes>) -> impl Future<Output = Result<Response<Bytes>, Unreachable>>;

    /// Whether a caller is within its rate. Limits that protect a number or money are counted at
    /// the origin, so a host whose limiter is broken says yes.
    fn is_within_rate(&self, limiter: RateLimiter, key: &str) -> impl Future<Output = bool>;

    fn now(&self) -> Timestamp;

    /// Unpredictable bytes; `None` when the host has no randomness.
    fn random_bytes(&self) -> Option<[u8; 16]>;

    /// Writes one line of JSON to the log.
    fn log(&self, line: &str);
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
