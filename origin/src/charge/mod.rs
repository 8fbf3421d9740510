//! Charges and refunds, as partners post them: recorded once, submitted to billing, and answered.
//! Every replay of a post gets the response to the first one.

mod post_charge;
mod post_refund;

pub use post_charge::{ChargePosts, RecordedCharge};
pub(crate) use post_refund::{ConsoleRefund, coupons_charge};
pub use post_refund::{RecordedRefund, RefundPosts};

use crate::store::LEASE_SECONDS_MAX;
use onbill_domain::reject::{ErrorCode, Reject};

/// Seconds within which a post must have its response, and for which it holds the lease of the
/// submission: the maximum of any lease.
pub(crate) const ANSWERING_SECONDS: i64 = LEASE_SECONDS_MAX;

/// 503 `service-unavailable`, with the usual `Retry-After`: another system charges the PAI, or has not
/// reported the result of the charge. It is never a decline, which would be final.
pub(crate) fn not_cut_over() -> Reject {
    Reject::new(ErrorCode::ServiceUnavailable, "Another system answers for this PAI: try again later.")
}
