//! The `x-correlator` of a call: taken from the caller, or generated.

use crate::platform::Platform;
use http::HeaderMap;
use onbill_domain::correlator::{Correlator, HEADER};
use onbill_domain::reject::Reject;

/// The correlator to use, and the refusal of a call whose own is malformed. It is `None` only when
/// the host gives no randomness.
pub(crate) fn read_correlator<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
) -> (Option<Correlator>, Result<(), Reject>) {
    let mut values = headers.get_all(HEADER).iter();
    let generate = || platform.random_bytes().map(Correlator::from_random);
    let Some(first) = values.next() else { return (generate(), Ok(())) };
    match first.to_str().ok().and_then(Correlator::parse) {
        Some(correlator) if values.next().is_none() => (Some(correlator), Ok(())),
        _ => (
            generate(),
            Err(Reject::invalid_request("x-correlator is not of the form that the contract gives.")),
        ),
    }
}
