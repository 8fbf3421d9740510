//! The widget's steps, as the edge passes them on, and the edge's own questions.

pub(super) mod account;
pub(super) mod account_unlink;
pub(super) mod come_back;
pub(super) mod pai;
pub(super) mod pin;
pub(super) mod result;
pub(super) mod signup;
pub(super) mod subscription;
pub(super) mod transaction;
pub(super) mod validate;
