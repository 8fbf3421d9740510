//! What joins the log lines of all parties about one call: its `x-correlator` and its trace, taken
//! from the caller or begun here.
//!
//! A `tracestate` may hold anything that a caller has put there. It goes from a partner that has
//! signed to the origin, and nowhere else: not to another partner, and not into the log.

use crate::platform::Platform;
use http::{HeaderMap, HeaderValue};
use onbill_domain::correlator::{self, Correlator};
use onbill_domain::reject::Reject;
use onbill_domain::trace_context::{self, TraceParent, TraceState};

/// The correlator and the trace of a call.
pub(crate) struct Correlation {
    pub(crate) correlator: Correlator,
    /// `None` only when the host gives no randomness.
    parent: Option<TraceParent>,
    /// Of the caller's trace, if that is continued.
    state: Option<TraceState>,
}

impl Correlation {
    /// The id of the trace, for the log.
    pub(crate) fn trace_id(&self) -> Option<String> {
        self.parent.as_ref().map(|parent| parent.trace_id().to_string())
    }

    /// The id of the edge's own work in the trace, for the log.
    pub(crate) fn span_id(&self) -> Option<String> {
        self.parent.as_ref().map(|parent| parent.receiver().span_id().to_string())
    }

    /// Puts the caller's `tracestate` into a call to an origin.
    pub(crate) fn write_state(&self, headers: &mut HeaderMap) {
        let value = self.state.as_ref().map(|state| HeaderValue::from_str(state.as_header()));
        if let Some(Ok(value)) = value {
            headers.insert(trace_context::STATE_HEADER, value);
        }
    }

    /// Puts correlator and trace into a call of ours that follows from this one. Its `nonce` is unique.
    pub(crate) fn write_headers(&self, headers: &mut HeaderMap, nonce: &str) {
        if let Ok(value) = HeaderValue::from_str(self.correlator.as_str()) {
            headers.insert(correlator::HEADER, value);
        }
        let child = self.parent.map(|parent| parent.child(nonce.as_bytes()).to_string());
        if let Some(value) = child.and_then(|child| HeaderValue::try_from(child).ok()) {
            headers.insert(trace_context::HEADER, value);
        }
    }
}

/// The correlation to use, and the refusal of a call whose own correlator is malformed. It is `None`
/// only when the host gives no randomness. A malformed `traceparent` is ignored (W3C Trace Context
/// §4.3).
pub(crate) fn read_correlation<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
) -> (Option<Correlation>, Result<(), Reject>) {
    let given = TraceParent::from_headers(headers);
    let state = given.and_then(|_| TraceState::from_headers(headers));
    let mut values = headers.get_all(correlator::HEADER).iter();
    let Some(first) = values.next() else { return (begin_correlation(platform, given, state), Ok(())) };
    match first.to_str().ok().and_then(Correlator::parse) {
        Some(correlator) if values.next().is_none() => {
            let parent = given.or_else(|| platform.random_bytes().map(TraceParent::begin));
            (Some(Correlation { correlator, parent, state }), Ok(()))
        }
        _ => (
            begin_correlation(platform, given, state),
            Err(Reject::invalid_request("x-correlator is malformed.")),
        ),
    }
}

/// The correlator and the id of a trace that begins here are of the same bytes.
fn begin_correlation<P: Platform>(
    platform: &P,
    given: Option<TraceParent>,
    state: Option<TraceState>,
) -> Option<Correlation> {
    let random = platform.random_bytes()?;
    let parent = Some(given.unwrap_or_else(|| TraceParent::begin(random)));
    Some(Correlation { correlator: Correlator::from_random(random), parent, state })
}
