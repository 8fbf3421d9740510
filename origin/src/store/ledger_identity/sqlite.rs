//! The identity of the ledger in SQL. Its tables are those of the first schema, so that every ledger has them
//! before it is migrated.

use super::LedgerFact;
use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Fails if the ledger was begun with another value of one of these facts.
pub(in crate::store) fn check_ledger_identity(
    db: &Connection,
    facts: &[LedgerFact],
) -> Result<(), StoreError> {
    let mut select = db.prepare_cached("SELECT value FROM ledger_identity WHERE fact = ?1")?;
    for (fact, value) in facts {
        let noted: Option<Vec<u8>> = select.query_row([fact], |row| row.get(0)).optional()?;
        if noted.is_some_and(|noted| noted != *value) {
            let has_subscribers = db.prepare_cached("SELECT 1 FROM subscribers LIMIT 1")?.exists([])?;
            return Err(StoreError::AnotherLedger { fact, has_subscribers });
        }
    }
    Ok(())
}

/// Of a ledger that begins.
pub(in crate::store) fn record_ledger_identity(
    tx: &Connection,
    facts: &[LedgerFact],
) -> Result<(), StoreError> {
    let mut note = tx.prepare_cached("INSERT INTO ledger_identity (fact, value) VALUES (?1, ?2)")?;
    for (fact, value) in facts {
        note.execute(params![fact, value])?;
    }
    Ok(())
}
