//! `/ott/v1`: the partner's calls, as the edge forwards them: same path, same bytes, both
//! signatures.

pub(super) mod account_validate;
mod addressed;
pub(super) mod coupon_redeem;
pub(super) mod echo;
pub(super) mod notification;
pub(super) mod partner_subscription;
pub(super) mod pin;
pub(super) mod refund;
pub(super) mod refund_status;
mod routed;
pub(in crate::routes) mod stored_response;
pub(super) mod subscription_change;
pub(super) mod token_validate;
pub(super) mod transaction;
pub(super) mod transaction_status;
