//! `/ott/v1`: the partner's calls.

pub(crate) mod account_validate;
pub(crate) mod coupon_redeem;
pub(crate) mod echo;
pub(crate) mod notification;
pub(crate) mod partner_subscription;
pub(crate) mod pin;
pub(crate) mod refund;
pub(crate) mod refund_status;
pub(crate) mod subscription_change;
pub(crate) mod token_validate;
pub(crate) mod transaction;
pub(crate) mod transaction_status;
