//! What the tests that drive the whole system share.

pub mod place;
