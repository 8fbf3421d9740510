//! What the edge needs of its host: a key-value store, outgoing calls, a clock, randomness, a rate limiter and a log.
//!
//! Not here: what is stored, called or logged. The trait has no notion of operators, partners or money.

use bytes::Bytes;
use http::{Request, Response};
use onbill_domain::timestamp::Timestamp;
use std::fmt;
use std::future::Future;

#[cfg(target_arch = "wasm32")]
pub(crate) mod workers;

/// An outgoing call is given up after this many seconds. A sign-up asks the operator and then the partner while a
/// customer waits: both, and the store, fit into the 20 seconds after which the widget gives up itself.
pub const SEND_SECONDS_MAX: u64 = 8;

/// The host. Its futures need not be `Send` (the Workers platform's are not); where they are, so are the edge's.
pub trait Platform {
    /// Reads a value. It may be up to a minute old, and "absent" may be as old: neither is proof of anything.
    fn kv_get(&self, key: &str) -> impl Future<Output = Result<Option<String>, KvUnavailable>>;

    /// Writes a value. On an error it may have been written all the same.
    fn kv_put(&self, key: &str, value: &str) -> impl Future<Output = Result<(), KvUnavailable>>;

    /// Sends a request, whose URI is absolute, and reads the whole answer. It follows no redirects, waits no longer
    /// than [`SEND_SECONDS_MAX`], and reads no more than `limits::BODY_BYTES_MAX`.
    fn send(&self, request: Request<Bytes>) -> impl Future<Output = Result<Response<Bytes>, Unreachable>>;

    /// Whether a caller is within its rate. It is the first sieve only: limits that protect a number or money are
    /// counted at the origin, so a host whose limiter is broken says yes.
    fn rate_limit(&self, sieve: Sieve, key: &str) -> impl Future<Output = bool>;

    /// The time.
    fn now(&self) -> Timestamp;

    /// Fresh bytes that nobody can guess; `None` when the host has none to give.
    fn random(&self) -> Option<[u8; 16]>;

    /// Writes one line of JSON to the log.
    fn log(&self, line: &str);
}

/// Which rate is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sieve {
    /// Browsers, by address.
    Widget,
    /// Partners, by name.
    Partner,
    /// Partners' calls about numbers, by the name of the partner.
    Device,
}

/// The store did not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvUnavailable;

/// Why a call got no answer that could be read. The other side may have acted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unreachable {
    /// No connection, or it broke.
    Broken,
    /// No whole answer within [`SEND_SECONDS_MAX`].
    TimedOut,
    /// The answer was over `limits::BODY_BYTES_MAX`.
    TooLarge,
}

impl fmt::Display for Unreachable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken => "no connection",
            Self::TimedOut => "no answer in time",
            Self::TooLarge => "the answer is too large",
        })
    }
}
