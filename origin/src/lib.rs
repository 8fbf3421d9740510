//! onbill's origin.
pub mod ambient;
pub mod peer;
