//! Why a piece of work in the database broke off, and whether the whole of it may be done again. What PostgreSQL says
//! is passed on without its DETAIL, which quotes values.

use crate::store::error::StoreError;
use std::error::Error as _;
use std::fmt::Write as _;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// Nothing of the work was written.
#[derive(Debug)]
pub(in crate::store) enum Broken {
    /// Somebody else was in the way: done again from its start, it will see what they wrote.
    Again(String),
    /// This is how it ends.
    For(StoreError),
}

impl From<StoreError> for Broken {
    fn from(error: StoreError) -> Self {
        Self::For(error)
    }
}

/// For work that is not done again.
impl From<Broken> for StoreError {
    fn from(broken: Broken) -> Self {
        match broken {
            Broken::For(error) => error,
            Broken::Again(why) => Self::Failed(why),
        }
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            // Names are looked up before they are inserted: when one is there all the same, another came first.
            SqlState::UNIQUE_VIOLATION,
            // What shares a round trip with a statement that broke off may be heard of before it.
            SqlState::IN_FAILED_SQL_TRANSACTION,
        ];
        let why = describe(&error);
        match error.code() {
            Some(code) if again.contains(code) => Self::Again(why),
            _ => Self::For(StoreError::Failed(why)),
        }
    }
}

impl Broken {
    /// What a commit that was sent and not confirmed comes to. Only when the server has answered that it rolled back
    /// for somebody else's sake is nothing written for certain. In all other cases, a lost connection above all,
    /// nobody here knows: the caller's own repetition, held by nonce and idempotency, is the way to find out.
    pub(in crate::store) fn in_commit(error: &Error) -> Self {
        let why = describe(error);
        match error.code() {
            Some(code) if *code == SqlState::T_R_SERIALIZATION_FAILURE => Self::Again(why),
            _ => Self::For(StoreError::Failed(format!("the commit was not confirmed: {why}"))),
        }
    }
}

/// A row that our own code did not write.
pub(in crate::store) fn corrupt(what: &str) -> Broken {
    Broken::For(StoreError::Failed(format!("a row of the books has an unreadable {what}")))
}

/// The failure in words, for the log. PostgreSQL's primary message names tables and constraints, never values.
pub(in crate::store) fn describe(error: &Error) -> String {
    if let Some(answer) = error.as_db_error() {
        return format!("{} (SQLSTATE {})", answer.message(), answer.code().code());
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
