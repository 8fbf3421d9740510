//! Assembles and runs the origin.

mod assembly;
pub mod backup;
pub mod database;
pub mod file_modes;
pub mod ledger_identity;
pub mod panic_log;
pub mod probes;
pub mod service;
mod supervisor;

pub use assembly::App;
pub use supervisor::Supervisor;
