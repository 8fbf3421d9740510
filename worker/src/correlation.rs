//! What joins the log lines of all parties about one call: its `x-correlator` and its trace, taken
//! from the caller or begun here.

use crate::platform::Platform;
use http::{HeaderMap, HeaderValue};
use onbill_domain::correlator::{self, Correlator};
use onbill_domain::reject::Reject;
use onbill_domain::trace_context::{self, TraceParent};

/// The correlator and the trace of a call.
pub(crate) struct Correlation {
    pub(crate) correlator: Correlator,
    /// `None` only when the host gives no randomness.
    parent: Option<TraceParent>,
}

impl Correlation {
    /// The id of the trace, for the log.
    pub(crate) fn trace_id(&self) -> Option<String> {
        self.parent.as_ref().map(|parent| parent.trace_id().to_string())
    }

    /// Puts both into a call of ours that follows from this one. Its `nonce` is unique.
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
    let given = find_parent(headers);
    let mut values = headers.get_all(correlator::HEADER).iter();
    let Some(first) = values.next() else { return (begin(platform, given), Ok(())) };
    match first.to_str().ok().and_then(Correlator::parse) {
        Some(correlator) if values.next().is_none() => {
            let parent = given.or_else(|| platform.random_bytes().map(TraceParent::begin));
            (Some(Correlation { correlator, parent }), Ok(()))
        }
        _ => (
            begin(platform, given),
            Err(Reject::invalid_request("x-correlator is not of the form that the contract gives.")),
        ),
    }
}

/// The correlator and the id of a trace that begins here are of the same bytes.
fn begin<P: Platform>(platform: &P, given: Option<TraceParent>) -> Option<Correlation> {
    let random = platform.random_bytes()?;
    let parent = Some(given.unwrap_or_else(|| TraceParent::begin(random)));
    Some(Correlation { correlator: Correlator::from_random(random), parent })
}

fn find_parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut values = headers.get_all(trace_context::HEADER).iter();
    let first = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { TraceParent::parse(first) }
}
