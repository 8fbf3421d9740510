//! Customer care: from a number to what its present subscriber is charged for, and who may do what.

mod desk;
mod disputes;
mod explanation;
mod gate;
pub mod roles;

pub use desk::CareDesk;
pub use disputes::Disputes;
pub use gate::DeskGate;
pub use roles::{Act, Role, permits};
