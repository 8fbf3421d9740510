//! `/edge/v1`: the widget's steps, which the edge forwards, and the edge's own queries.

pub(super) mod account;
pub(super) mod account_unlink;
pub(super) mod pai;
pub(super) mod pin;
pub(super) mod result;
pub(super) mod return_page;
pub(super) mod signup;
pub(super) mod subscription;
pub(super) mod transaction;
pub(super) mod validate;
