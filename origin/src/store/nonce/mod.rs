//! Nonces of signed calls: each is spent once, in the transaction of the call's effect.

pub(super) mod postgres;
pub(super) mod sqlite;
