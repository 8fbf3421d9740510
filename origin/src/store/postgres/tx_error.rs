//! Why a transaction was aborted, and whether its use case may run again from its start.
//! PostgreSQL's message is passed on without its DETAIL, which quotes values.

use super::session_error::SessionError;
use crate::store::error::StoreError;
use std::error::Error as _;
use std::fmt::Write as _;
use tokio_postgres::error::SqlState;

/// Nothing of the transaction was written.
#[derive(Debug)]
pub(in crate::store) enum TxError {
    /// Another transaction was in the way: when the use case runs again, it sees what that one
    /// wrote.
    Conflict(String),
    /// The failure is final.
    Failed(StoreError),
    /// The session was over before the transaction began. Another one may do.
    NotBegun(StoreError),
}

impl From<StoreError> for TxError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

/// Another transaction has changed what this one has read.
pub(in crate::store) fn conflict(table: &'static str) -> TxError {
    TxError::Conflict(format!("a row of {table} has changed meanwhile"))
}

/// For work that does not run again.
impl From<TxError> for StoreError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Failed(error) | TxError::NotBegun(error) => error,
            TxError::Conflict(message) => Self::Contended { message },
        }
    }
}

impl From<SessionError> for TxError {
    fn from(error: SessionError) -> Self {
        let conflicts = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            // Names are looked up before they are inserted: when one exists all the same, another
            // transaction came first.
            SqlState::UNIQUE_VIOLATION,
            // The error of a statement that shares a round trip with an aborted one may arrive
            // before it.
            SqlState::IN_FAILED_SQL_TRANSACTION,
        ];
        match error.code() {
            Some(code) if conflicts.contains(code) => Self::Conflict(describe(&error)),
            code => Self::Failed(StoreError::Driver {
                code: code.map(|code| code.code().to_owned()),
                message: describe(&error),
            }),
        }
    }
}

/// For columns that cannot be read.
impl From<tokio_postgres::Error> for TxError {
    fn from(error: tokio_postgres::Error) -> Self {
        SessionError::Driver(error).into()
    }
}

impl TxError {
    /// Classifies a commit that was sent and not confirmed. Only when the server has responded that
    /// it rolled back for another transaction's sake is nothing written for certain. In all other
    /// cases, a lost connection above all, the origin does not know: the caller's own repetition,
    /// kept safe by nonce and idempotency, is the way to find out.
    pub(super) fn in_commit(error: &SessionError) -> Self {
        let message = describe(error);
        match error.code() {
            Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => Self::Conflict(message),
            _ => Self::Failed(StoreError::CommitUnknown { message }),
        }
    }
}

/// The error in words, for the log. PostgreSQL's primary message names tables and constraints,
/// never values.
pub(super) fn describe(error: &SessionError) -> String {
    let error = match error {
        SessionError::Driver(error) => error,
        SessionError::Silent(patience) => {
            return format!("the server has not answered for {} s", patience.as_secs());
        }
        SessionError::ReadOnly => {
            return "the server takes no writes: it is a standby or read-only".to_owned();
        }
        SessionError::Unsafe(why) => return (*why).to_owned(),
    };
    if let Some(answer) = error.as_db_error() {
        return answer.message().to_owned();
    }
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing into a string does not fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
