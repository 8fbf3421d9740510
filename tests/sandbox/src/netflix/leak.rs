//! The leak check: everything that reaches the partner is searched for phone numbers. None may ever
//! be found. Members that a response about a number must not have are recorded here too.
//!
//! Two searches. The first takes anything that has the shape of a number: `+` and 8 to 15 digits
//! with or without separators, or 9 digits in a row. It skips text that has such digits by its
//! nature: UUIDs, tokens, signatures and other opaque text, and Unix times in the members known to
//! hold them. The second looks for the demo accounts' numbers, anywhere and in every spelling:
//! spaced, national, in other scripts' digits, escaped, hex, base64, UTF-16.

use super::Netflix;
use crate::answer::Refusal;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::timestamp::Timestamp;
use serde::Serialize;
use std::sync::{Mutex, PoisonError};

mod readings;
mod shape;

/// Most findings kept: more of them add nothing.
const FINDINGS_MAX: usize = 100;

/// Requests here are smaller: forms and calls of a few hundred bytes.
const WATCHED_BYTES_MAX: usize = 64 * 1024;

/// Something that must never reach the partner, and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Leak {
    pub at: Timestamp,
    /// Where it was: `POST /signup-sessions, body`.
    #[serde(rename = "where")]
    pub place: String,
    /// What it looked like.
    pub found: String,
}

/// The search and its findings.
pub struct LeakWatch {
    /// The last digits of each watched number, which every spelling of it has.
    tails: Vec<String>,
    found: Mutex<Vec<Leak>>,
}

impl LeakWatch {
    /// A search for numbers in general and for these in every spelling.
    pub fn new(watched: &[Msisdn]) -> Self {
        let tail =
            |msisdn: &Msisdn| msisdn.expose()[msisdn.expose().len().saturating_sub(9)..].replace('+', "");
        Self { tails: watched.iter().map(tail).collect(), found: Mutex::default() }
    }

    /// Searches what arrived at `place`.
    pub fn search(&self, place: &str, bytes: &[u8], now: Timestamp) {
        for found in self.findings(bytes) {
            tracing::error!(place, "a phone number reached the partner");
            self.note(place, found, now);
        }
    }

    /// Records a finding at `place`, once.
    pub fn note(&self, place: &str, found: String, now: Timestamp) {
        let mut leaks = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let known = leaks.iter().any(|leak| leak.place == place && leak.found == found);
        if !known && leaks.len() < FINDINGS_MAX {
            leaks.push(Leak { at: now, place: place.to_owned(), found });
        }
    }

    pub fn found(&self) -> Vec<Leak> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn findings(&self, bytes: &[u8]) -> Vec<String> {
        let mut findings = Vec::new();
        for reading in readings::of(bytes) {
            if reading.is_text {
                findings.extend(shape::phone_like(&reading.text));
            }
            let compact = readings::without_separators(&reading.text);
            let hex = reading.text.to_ascii_lowercase();
            let watched =
                |tail: &&String| compact.contains(tail.as_str()) || hex.contains(&readings::in_hex(tail));
            findings.extend(
                self.tails.iter().filter(watched).map(|tail| format!("the demo number ending {tail}")),
            );
        }
        findings.sort();
        findings.dedup();
        findings
    }
}

/// Searches every request before it is processed, except for the fields that may contain anything.
pub(super) async fn watch(State(netflix): State<Netflix>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, WATCHED_BYTES_MAX).await else {
        return Refusal(Reject::new(ErrorCode::BodyTooLarge, "The body is too large.")).into_response();
    };
    let (leaks, now) = (&netflix.0.leaks, netflix.now());
    let place = format!("{} {}", parts.method, parts.uri.path());
    leaks.search(&format!("{place}, address"), parts.uri.to_string().as_bytes(), now);
    for (name, value) in &parts.headers {
        leaks.search(&format!("{place}, header {name}"), value.as_bytes(), now);
    }
    match unsearched(parts.uri.path()) {
        Some(field) => {
            for pair in body.split(|b| *b == b'&').filter(|pair| !pair.starts_with(field)) {
                leaks.search(&format!("{place}, body"), pair, now);
            }
        }
        None => leaks.search(&format!("{place}, body"), &body, now),
    }
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// The field of a form that is not searched.
fn unsearched(path: &str) -> Option<&'static [u8]> {
    match path {
        // The SIM that is put into the simulated device.
        "/app" => Some(b"msisdn="),
        // A password may be anything, and is not kept.
        "/redeem" | "/log-in" => Some(b"password="),
        _ if path.starts_with("/signup/") || path.starts_with("/app/") => Some(b"password="),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
