//! Assembles and runs the origin.

mod assembly;
pub mod backup;
mod call_parts;
pub mod database;
mod delivery_parts;
pub mod file_modes;
mod key_check;
pub mod ledger_identity;
pub mod panic_log;
pub mod probes;
pub mod service;
mod supervisor;

pub use assembly::App;
pub use supervisor::Supervisor;
