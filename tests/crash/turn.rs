//! The order of the crash tests.

/// One test at a time: each needs the machine and the database for itself.
pub(crate) static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
