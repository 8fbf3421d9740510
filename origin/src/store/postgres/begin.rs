//! How a transaction begins: its statements, and when they are sent.

use super::session::{STATEMENT_SECONDS, Session};
use super::session_error::SessionError;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_postgres::SimpleQueryMessage;

/// How long a server may take to begin a transaction, which it does at once: one that does not is
/// paused or cut off, and another session is tried while the caller still waits.
const BEGIN_PATIENCE: Duration = Duration::from_secs(2);

/// The statements that begin a transaction, until the first query takes them along.
#[derive(Default)]
pub(super) struct PendingBegin(Mutex<Option<String>>);

impl PendingBegin {
    pub(super) fn new(statements: String) -> Self {
        Self(Mutex::new(Some(statements)))
    }

    /// The caller that gets them sends them.
    pub(super) fn take(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The settings of each transaction. They are made for it alone: behind a pooler, a setting of the
/// session may be another client's, or stay behind for one.
///
/// A commit is acknowledged when it is on the disk, and on that of the synchronous standby if there
/// is one, whatever the server's default; a statement is cancelled when its caller no longer waits;
/// and the locks of an origin that stopped in mid-transaction are released.
pub(super) fn begin_statements() -> String {
    format!(
        "START TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on;
         SET LOCAL statement_timeout = '{STATEMENT_SECONDS}s'; SET LOCAL idle_in_transaction_session_timeout = '10s';
         SHOW transaction_read_only"
    )
}

pub(super) async fn begin_transaction(session: &Session, statements: &str) -> Result<(), SessionError> {
    let answer = session.ask(BEGIN_PATIENCE, session.client().simple_query(statements)).await?;
    let is_read_only = answer.iter().any(|message| match message {
        SimpleQueryMessage::Row(row) => row.try_get(0).is_ok_and(|value| value == Some("on")),
        _ => false,
    });
    if is_read_only {
        session.end_with_server();
        return Err(SessionError::ReadOnly);
    }
    Ok(())
}
