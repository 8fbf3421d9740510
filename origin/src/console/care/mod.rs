//! Customer care: a number leads to its present subscriber, what they pay, and what can be done about it.

pub(super) mod close;
mod customer_words;
pub(super) mod refund;
pub(super) mod resend;
pub(super) mod search;
mod subscriber;
mod timeline;

/// What every field for a reference says beside it.
const REFERENCE_HINT: &str = "The ticket. No name and no number of the customer.";
