//! The identity of the ledger: settings that must not change once it has subscribers.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;

/// A setting that the ledger depends on: its name, and its value.
pub type LedgerFact = (&'static str, Vec<u8>);

impl Store {
    /// Compares settings with those that the ledger was created with, and returns the name of the
    /// first that differs. Then nothing is written; otherwise new settings are recorded. As long as
    /// there is no subscriber, all of them may change.
    pub async fn record_ledger_identity(
        &self,
        facts: Vec<LedgerFact>,
    ) -> Result<Option<&'static str>, StoreError> {
        use_case!(self, write_serializable, record_ledger_identity(&facts))
    }

    /// Returns the same name, and records nothing: for a database that is open for reading.
    pub async fn find_differing_fact(
        &self,
        facts: Vec<LedgerFact>,
    ) -> Result<Option<&'static str>, StoreError> {
        use_case!(self, read, find_differing_fact(&facts))
    }
}
