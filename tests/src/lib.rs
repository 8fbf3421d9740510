//! The parties around onbill, and the tests that drive the whole system. No part of onbill depends on this package.

#[path = "../sandbox/mod.rs"]
pub mod sandbox;
