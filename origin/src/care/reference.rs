//! A reference of a desk, such as a ticket. The audit keeps it permanently, so it is no telephone number.

use crate::config::NumberPlan;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::Reject;

/// 400 `invalid-request` for a reference that reads as a telephone number.
pub(crate) fn refuse_number(numbers: NumberPlan, reference: &ExtId) -> Result<(), Reject> {
    if numbers.parse(reference.as_str()).is_err() {
        return Ok(());
    }
    Err(Reject::invalid_request(
        "This reads as a telephone number, which is no reference. Name the ticket; put a letter before it if need be.",
    ))
}
