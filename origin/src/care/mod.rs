//! Customer care: from a number to what its present subscriber is charged for, and who may do what.

mod desk;
mod explanation;
pub mod roles;

pub use desk::CareDesk;
pub use roles::{Act, Role, permits};
