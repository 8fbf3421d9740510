//! Customer care: from a number to what its present subscriber is charged for.

mod desk;
mod explanation;

pub use desk::CareDesk;
