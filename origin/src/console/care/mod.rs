//! Customer care: a number leads to its present subscriber, what they pay, and what can be done about it.

pub(super) mod close;
mod customer_words;
pub(super) mod refund;
pub(super) mod resend;
pub(super) mod search;
mod subscriber;
mod timeline;

use super::refused::Refused;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::Reject;

/// A reference of a form, where one has to be there.
fn require_reference(text: &str) -> Result<ExtId, Refused> {
    optional_reference(text)?.ok_or_else(|| {
        Reject::invalid_request("Name a reference, such as the ticket: the audit and billing go by it.")
            .into()
    })
}

/// A reference of a form, where it may be left out.
pub(super) fn optional_reference(text: &str) -> Result<Option<ExtId>, Refused> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    let reference = ExtId::parse(text).ok_or_else(|| {
        Reject::invalid_request("A reference is 1 to 128 letters, digits and signs, without spaces.")
    })?;
    Ok(Some(reference))
}
