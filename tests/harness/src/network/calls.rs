//! The calls that crossed, and questions about them.

use super::{TestNetwork, lock_mutex};
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};

/// One call that crossed.
#[derive(Clone, Debug)]
pub struct RecordedCall {
    pub authority: String,
    pub path: String,
    /// Headers and body.
    pub request: String,
    /// Headers and body.
    pub response: String,
}

impl RecordedCall {
    /// Returns whether the text occurs in the request or the response.
    pub fn contains(&self, text: &str) -> bool {
        [&self.path, &self.request, &self.response].iter().any(|part| part.contains(text))
    }
}

/// One call that crossed, unformatted: most are never looked at.
#[derive(Clone)]
pub struct StoredCall {
    /// Counts calls in the order in which they were sent. They are stored in the order of their
    /// responses.
    pub number: u64,
    pub method: Method,
    pub authority: String,
    pub path: String,
    pub request: (HeaderMap, Bytes),
    pub status: StatusCode,
    pub response: (HeaderMap, Bytes),
}

/// One call as bytes.
pub struct RawCall {
    pub authority: String,
    pub path: String,
    pub status: StatusCode,
    pub request: Vec<u8>,
    pub response: Vec<u8>,
}

impl StoredCall {
    fn to_bytes(&self) -> RawCall {
        let bytes =
            |(headers, body): &(HeaderMap, Bytes)| [format!("{headers:?}\n").as_bytes(), body].concat();
        RawCall {
            authority: self.authority.clone(),
            path: self.path.clone(),
            status: self.status,
            request: bytes(&self.request),
            response: bytes(&self.response),
        }
    }

    fn to_text(&self) -> RecordedCall {
        let text =
            |(headers, body): &(HeaderMap, Bytes)| format!("{headers:?} {}", String::from_utf8_lossy(body));
        RecordedCall {
            authority: self.authority.clone(),
            path: self.path.clone(),
            request: text(&self.request),
            response: text(&self.response),
        }
    }
}

impl TestNetwork {
    /// The response to the newest successful call to a path.
    pub fn last_response(&self, authority: &str, path: &str) -> Option<Bytes> {
        let crossings = lock_mutex(&self.calls);
        let there =
            |call: &&StoredCall| call.authority == authority && call.path == path && call.status.is_success();
        crossings.iter().rev().find(there).map(|call| call.response.1.clone())
    }

    /// The bodies of calls that crossed to a path, and the status of each response, also if the
    /// response was lost.
    pub fn calls_to(&self, authority: &str, path: &str) -> Vec<(Bytes, StatusCode)> {
        let crossings = lock_mutex(&self.calls);
        let there = crossings.iter().filter(|call| call.authority == authority && call.path == path);
        there.map(|call| (call.request.1.clone(), call.status)).collect()
    }

    /// The paths of the partner's posts, and of the operator's that change a coupon, that succeeded
    /// twice under one signature. Reads may do so, and webhooks and events from the origin are
    /// deduplicated by their receivers.
    pub fn accepted_twice(&self) -> Vec<String> {
        let paths = lock_mutex(&self.accepted_twice).clone();
        let acts = ["/ott/v1/transaction", "/ott/v1/coupon", "/operator/v1/coupons/"];
        paths.into_iter().filter(|path| acts.iter().any(|act| path.starts_with(act))).collect()
    }

    /// Everything that has crossed so far.
    pub fn recorded_calls(&self) -> Vec<RecordedCall> {
        lock_mutex(&self.calls).iter().map(StoredCall::to_text).collect()
    }

    /// The calls that were answered after the first `count` ones, in the order in which they were
    /// sent.
    pub fn calls_after(&self, count: usize) -> Vec<StoredCall> {
        let mut exchanges = lock_mutex(&self.calls).get(count..).unwrap_or_default().to_vec();
        exchanges.sort_by_key(|exchange| exchange.number);
        exchanges
    }

    pub fn raw_calls(&self) -> Vec<RawCall> {
        lock_mutex(&self.calls).iter().map(StoredCall::to_bytes).collect()
    }
}
