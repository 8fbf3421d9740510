//! Assembles and runs the origin.

mod assembly;
pub mod backup;
pub mod database;
pub mod ledger_identity;
pub mod service;

pub use assembly::App;
