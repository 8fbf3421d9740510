//! `/operator/v1`: calls from the operator's own systems.

pub(super) mod account_events;
pub(super) mod alarms;
pub(super) mod coupons;
pub(super) mod disputes;
pub(super) mod erasures;
pub(super) mod link_close;
pub(super) mod mandates;
pub(super) mod queue;
pub(super) mod refunds;
pub(super) mod sms_resend;
pub(super) mod subscriber_search;
pub(super) mod summary;
pub(super) mod transactions;
