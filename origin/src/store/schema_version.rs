//! How far a schema is, beside what this program has.

use super::error::StoreError;

/// The migrations of a ledger, and those of this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// The number of the last migration that was applied.
    pub applied: usize,
    /// The number of the last one that this program has.
    pub known: usize,
    /// Whether this program may serve on the schema: always on an older one, once it has applied what
    /// is missing, and on a newer one if all migrations that it does not have allow it.
    pub may_serve: bool,
}

impl SchemaVersion {
    /// Whether there is a ledger whose tables this program knows, so that it can say whose ledger it is. A newer
    /// schema that it may not serve on may have changed any of them.
    pub(super) fn is_readable(self) -> bool {
        self.applied > 0 && self.may_serve
    }

    pub(super) fn or_no_ledger(self) -> Result<Self, StoreError> {
        if self.applied == 0 { Err(StoreError::NoLedger) } else { Ok(self) }
    }

    /// The numbers of the migrations that the ledger lacks.
    pub fn missing(&self) -> std::ops::RangeInclusive<usize> {
        self.applied.saturating_add(1)..=self.known
    }
}
