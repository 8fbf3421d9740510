//! The order of the crash tests.

/// One test at a time of those that put an origin under load, or use the server in `DATABASE_URL`, which one of them
/// crashes. The others mostly wait, and run beside them.
pub(crate) static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
