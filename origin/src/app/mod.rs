//! The origin put together, and run.

mod assembly;
pub mod database;
pub mod ledger_identity;
pub mod service;

pub use assembly::App;
