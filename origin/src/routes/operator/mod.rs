//! `/operator/v1`: calls from the operator's own systems.

pub(super) mod account_events;
pub(super) mod coupons;
pub(super) mod erasures;
pub(super) mod mandates;
pub(super) mod transactions;
