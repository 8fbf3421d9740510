//! The `x-correlator` of a call: taken from the caller, or made up.

use crate::platform::Platform;
use http::HeaderMap;
use onbill_domain::correlator::{Correlator, HEADER};
use onbill_domain::reject::Reject;

/// The correlator to use, and the refusal of a call whose own is malformed. `None` only when the host gives no
/// randomness.
pub(crate) fn correlator<P: Platform>(
    platform: &P,
    headers: &HeaderMap,
) -> (Option<Correlator>, Result<(), Reject>) {
    let mut values = headers.get_all(HEADER).iter();
    let made_up = || platform.random().map(Correlator::from_random);
    let Some(first) = values.next() else { return (made_up(), Ok(())) };
    match first.to_str().ok().and_then(Correlator::parse) {
        Some(correlator) if values.next().is_none() => (Some(correlator), Ok(())),
        _ => (
            made_up(),
            Err(Reject::invalid_request("x-correlator is not of the form that the contract gives.")),
        ),
    }
}
