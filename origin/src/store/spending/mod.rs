//! What each account was charged in a day and a month, for its limits. Charges and refunds count here; nothing else asks.

pub(super) mod postgres;
pub(super) mod sqlite;
