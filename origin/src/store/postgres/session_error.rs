//! What an error says about the session that it came from.
//!
//! See appendix A of PostgreSQL's documentation, "`PostgreSQL` Error Codes".

use std::time::Duration;
use tokio_postgres::Error;
use tokio_postgres::error::{DbError, Severity, SqlState};

/// A statement that has no result.
#[derive(Debug)]
pub(in crate::store) enum SessionError {
    /// The server has refused it, or the connection is lost.
    Driver(Error),
    /// The server has not answered for so long.
    Silent(Duration),
    /// The server takes no writes: it is a standby, or was made read-only.
    ReadOnly,
    /// The server has settings with which an acknowledged commit can be lost.
    Unsafe(&'static str),
}

impl SessionError {
    pub(super) fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Driver(error) => error.code(),
            Self::Silent(_) | Self::ReadOnly | Self::Unsafe(_) => None,
        }
    }
}

/// Classes of errors that a statement or its data causes. The session is as good as before. All
/// others say something about the session, the server or what is between, such as 08 (connection),
/// 25006 (read-only), 26000 (the session is another one), 57P01 to 57P05 (shutdown, recovery,
/// timeout), 58 (the server's disk) and XX (damage): a new session costs some milliseconds, and
/// after a failover it leads to the right server.
const STATEMENT_CLASSES: [&str; 9] = ["02", "21", "22", "23", "42", "44", "54", "P0", "01"];

/// Errors of other classes after which the session is as good as before.
const STATEMENT_ERRORS: [SqlState; 6] = [
    SqlState::IN_FAILED_SQL_TRANSACTION,
    SqlState::T_R_SERIALIZATION_FAILURE,
    SqlState::T_R_DEADLOCK_DETECTED,
    SqlState::T_R_INTEGRITY_CONSTRAINT_VIOLATION,
    SqlState::LOCK_NOT_AVAILABLE,
    // A statement that took longer than it may.
    SqlState::QUERY_CANCELED,
];

/// Whether the session that gave this error is not to be used again.
pub(super) fn is_session_over(error: &Error) -> bool {
    error
        .as_db_error()
        .is_none_or(|answer| is_end_of_session(answer.parsed_severity(), answer.severity(), answer.code()))
}

fn is_end_of_session(severity: Option<Severity>, word: &str, code: &SqlState) -> bool {
    let is_fatal =
        matches!(severity, Some(Severity::Fatal | Severity::Panic)) || word == "FATAL" || word == "PANIC";
    let is_of_statement = *code != SqlState::DUPLICATE_PSTATEMENT
        && (STATEMENT_ERRORS.contains(code)
            || STATEMENT_CLASSES.iter().any(|class| code.code().starts_with(class)));
    is_fatal || !is_of_statement
}

pub(super) fn is_warning(notice: &DbError) -> bool {
    notice.parsed_severity() == Some(Severity::Warning) || notice.severity() == "WARNING"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ends(code: &str) -> bool {
        is_end_of_session(Some(Severity::Error), "ERROR", &SqlState::from_code(code))
    }

    #[test]
    fn session_is_over_when_server_or_connection_is_at_fault() {
        for code in [
            "25006",
            "57P01",
            "57P02",
            "57P03",
            "57P04",
            "57P05",
            "08000",
            "08003",
            "08006",
            "08P01",
            "25P03",
            "25P01",
            "26000",
            "42P05",
            "53100",
            "53300",
            "58030",
            "F0000",
            "XX000",
            "XX001",
            "0A000",
            "55000",
            "28P01",
            "40003",
            "no such code",
        ] {
            assert!(ends(code), "{code}");
        }
    }

    #[test]
    fn session_stays_when_the_statement_is_at_fault() {
        for code in ["22003", "23505", "25P02", "40001", "40P01", "42P01", "42501", "55P03", "57014", "P0001"]
        {
            assert!(!ends(code), "{code}");
        }
    }

    #[test]
    fn session_is_over_after_a_fatal_error() {
        let code = SqlState::T_R_SERIALIZATION_FAILURE;
        assert!(is_end_of_session(Some(Severity::Fatal), "FATAL", &code));
        assert!(is_end_of_session(None, "FATAL", &code), "a pooler may give the word alone");
        assert!(!is_end_of_session(Some(Severity::Error), "FEHLER", &code));
    }
}
