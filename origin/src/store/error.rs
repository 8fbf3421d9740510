//! Why a use case did not take place. Only our own failures are errors: an outcome that callers can expect is in the use
//! case's return type.

use crate::build_info::VERSION;
use std::fmt;

/// Nothing of the use case was written, unless it is [`Self::CommitUnknown`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The call's nonce was spent before: the caller must sign again.
    NonceReplayed,
    /// The database refused a statement, or could not be reached.
    Driver {
        /// SQLSTATE of PostgreSQL, or the extended result code of SQLite.
        code: Option<String>,
        /// What the driver says, without the values of any row.
        message: String,
    },
    /// Other transactions were in the way at each attempt.
    Contended {
        /// What the last of them met.
        message: String,
    },
    /// The commit was sent and its outcome did not come back: only repeating the call shows whether it was written.
    CommitUnknown {
        /// What the driver says.
        message: String,
    },
    /// The database rolled the whole transaction back, as it does on a full disk.
    RolledBack {
        /// What the driver says.
        message: String,
    },
    /// More callers wait than the database can serve within their patience.
    TooManyWaiting,
    /// The threads that serve the database have ended.
    Closed,
    /// A value that no version of onbill writes: the row was damaged, or changed by hand.
    InconsistentRow {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A row that another one refers to, or that was written a moment ago, is not there.
    MissingRow {
        /// The table.
        table: &'static str,
    },
    /// A value could not be sealed before it was to be written.
    NotSealed,
    /// There is no ledger at this place.
    NoLedger,
    /// There is a ledger at this place, or what is left of one, where a new one was to begin.
    LedgerExists,
    /// The ledger was begun with another operator, numbers key or source of accounts.
    AnotherLedger {
        /// Which of them.
        fact: &'static str,
        /// Whether a customer has signed up in it.
        has_subscribers: bool,
    },
    /// The schema is of a newer onbill, and this one may not serve on it.
    NewerSchema {
        /// The number of the schema.
        schema: usize,
        /// The number of the newest schema that this onbill knows.
        known: usize,
        /// The version of the onbill that made it, if the database says so.
        onbill: Option<String>,
    },
    /// The schema is of an older onbill than this one, and was not to be changed.
    OlderSchema,
    /// A file of the open database is no longer at its path: it was moved, deleted or replaced.
    FileLost {
        /// The path.
        path: String,
    },
    /// A fault hook stopped the use case, see [`super::FaultHook`].
    Interrupted,
    /// The use case panicked: a mistake in this program.
    Panicked,
}

impl StoreError {
    /// Whether the database itself has failed, or cannot be reached: not the contents of a row, nor
    /// what a caller has asked for.
    pub(in crate::store) fn is_of_database(&self) -> bool {
        match self {
            Self::Driver { .. }
            | Self::CommitUnknown { .. }
            | Self::RolledBack { .. }
            | Self::TooManyWaiting
            | Self::Closed
            | Self::FileLost { .. } => true,
            Self::NonceReplayed
            | Self::Contended { .. }
            | Self::InconsistentRow { .. }
            | Self::MissingRow { .. }
            | Self::NotSealed
            | Self::NoLedger
            | Self::LedgerExists
            | Self::AnotherLedger { .. }
            | Self::NewerSchema { .. }
            | Self::OlderSchema
            | Self::Interrupted
            | Self::Panicked => false,
        }
    }
}

/// The value at `place`, which is `table.column`, cannot be ours.
pub(in crate::store) fn inconsistent_row(place: &'static str) -> StoreError {
    let (table, column) = place.split_once('.').unwrap_or((place, ""));
    StoreError::InconsistentRow { table, column }
}

/// There is no such row, though there must be.
pub(in crate::store) fn missing_row(table: &'static str) -> StoreError {
    StoreError::MissingRow { table }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NonceReplayed => f.write_str("a nonce was spent before"),
            Self::Driver { code: None, message } | Self::Contended { message } => f.write_str(message),
            Self::Driver { code: Some(code), message } => write!(f, "{message} ({code})"),
            Self::CommitUnknown { message } => write!(f, "the commit was not confirmed: {message}"),
            Self::RolledBack { message } => write!(f, "the database rolled back: {message}"),
            Self::TooManyWaiting => f.write_str("too many calls wait for the database"),
            Self::Closed => f.write_str("the database is closed"),
            Self::InconsistentRow { table, column } => {
                write!(f, "a row of {table} has an inconsistent {column}")
            }
            Self::MissingRow { table } => write!(f, "a row of {table} is missing"),
            Self::NotSealed => f.write_str("a value cannot be sealed"),
            Self::NoLedger => f.write_str("there is no ledger"),
            Self::LedgerExists => f.write_str("there is a ledger already, or what is left of one"),
            Self::AnotherLedger { fact, .. } => write!(f, "the ledger was begun with another {fact}"),
            Self::FileLost { path } => {
                write!(f, "{path} was moved, deleted or replaced while the database was open")
            }
            Self::OlderSchema => f.write_str("the ledger was written by an older onbill than this one"),
            Self::NewerSchema { schema, known, onbill } => {
                let newer = onbill.as_deref().unwrap_or("of an unknown version");
                write!(f, "the ledger has schema {schema} of onbill {newer}, and onbill {VERSION}, ")?;
                write!(f, "which knows schema {known}, may not serve on it")
            }
            Self::Interrupted => f.write_str("the operation was interrupted"),
            Self::Panicked => f.write_str("the operation panicked"),
        }
    }
}

impl std::error::Error for StoreError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inconsistent_row_names_table_and_column() {
        let error = inconsistent_row("pais.closed_reason");
        assert_eq!(error, StoreError::InconsistentRow { table: "pais", column: "closed_reason" });
    }
}
