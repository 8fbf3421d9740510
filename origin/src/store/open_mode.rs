//! What opening a database may do to it. A ledger begins only where its operator asks for one: an
//! empty ledger in the place of one that is missing would say that no customer has ever signed up.

use super::error::StoreError;

/// What opening a database may do to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// Begins a ledger, in a place that has none.
    Create,
    /// Opens an existing ledger, and brings its schema up to date.
    Migrate,
    /// Opens an existing ledger for reading, and changes nothing.
    ReadOnly,
}

impl OpenMode {
    /// Decides what is missing of the schema, by the number of the last migration that was applied
    /// (0 when there is no ledger) and how many there are. Nothing is of a newer schema; whether it
    /// may be served is another question ([`super::migration`]).
    pub(in crate::store) fn missing_migrations(
        self,
        applied: usize,
        known: usize,
    ) -> Result<std::ops::Range<usize>, StoreError> {
        match (self, applied) {
            (Self::Create, 1..) => Err(StoreError::LedgerExists),
            (Self::Migrate | Self::ReadOnly, 0) => Err(StoreError::NoLedger),
            (Self::ReadOnly, _) if applied < known => Err(StoreError::OlderSchema),
            _ => Ok(applied.min(known)..known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ledger_begins_only_where_it_is_asked_for() {
        let missing = |mode: OpenMode, applied| mode.missing_migrations(applied, 2);
        assert_eq!(missing(OpenMode::Create, 0), Ok(0..2));
        assert_eq!(missing(OpenMode::Create, 1), Err(StoreError::LedgerExists));
        assert_eq!(missing(OpenMode::Migrate, 0), Err(StoreError::NoLedger));
        assert_eq!(missing(OpenMode::ReadOnly, 0), Err(StoreError::NoLedger));
    }

    #[test]
    fn reading_mode_migrates_nothing() {
        let missing = |mode: OpenMode, applied| mode.missing_migrations(applied, 2);
        assert_eq!(missing(OpenMode::Migrate, 1), Ok(1..2));
        assert_eq!(missing(OpenMode::ReadOnly, 1), Err(StoreError::OlderSchema));
        assert_eq!(missing(OpenMode::ReadOnly, 2), Ok(2..2));
        for mode in [OpenMode::Migrate, OpenMode::ReadOnly] {
            assert_eq!(missing(mode, 3), Ok(2..2));
        }
    }
}
