//! Charges and refunds, as partners post them: recorded once, submitted to billing, and answered. Every replay of a post gets
//! the response of the first.

mod post_charge;
mod post_refund;

pub use post_charge::{ChargePosts, RecordedCharge};
pub use post_refund::{RecordedRefund, RefundPosts};

use crate::store::LEASE_SECONDS_MAX;

/// Seconds that a post may work on its response, and for which it has the submission to itself: as long as any lease.
pub(crate) const ANSWERING_SECONDS: i64 = LEASE_SECONDS_MAX;
