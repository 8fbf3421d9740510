//! The widget's steps, as the edge passes them on.

pub(super) mod come_back;
pub(super) mod pai;
pub(super) mod pin;
mod proven_flow;
pub(super) mod result;
pub(super) mod signup;
mod standing;
pub(super) mod validate;
