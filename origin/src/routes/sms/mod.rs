//! Calls from the SMS gateway.

pub(super) mod receipt;
