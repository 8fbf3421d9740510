//! The parties around onbill, and the tests that drive the whole system. No part of onbill depends on this package.

pub mod place;
#[path = "../sandbox/mod.rs"]
pub mod sandbox;
