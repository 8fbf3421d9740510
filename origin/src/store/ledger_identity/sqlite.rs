//! The identity of the ledger in SQL.

use super::LedgerFact;
use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Fails if the ledger was begun with another fact. Its tables are those of the first schema, so that every
/// ledger has them before it is migrated.
pub(in crate::store) fn check_ledger_identity(
    db: &Connection,
    facts: &[LedgerFact],
) -> Result<(), StoreError> {
    match find_differing_fact(db, facts)? {
        None => Ok(()),
        Some(fact) => Err(StoreError::AnotherLedger { fact }),
    }
}

pub(in crate::store) fn find_differing_fact(
    db: &Connection,
    facts: &[LedgerFact],
) -> Result<Option<&'static str>, StoreError> {
    if !db.prepare_cached("SELECT 1 FROM subscribers LIMIT 1")?.exists([])? {
        return Ok(None);
    }
    let mut select = db.prepare_cached("SELECT value FROM ledger_identity WHERE fact = ?1")?;
    for (fact, value) in facts {
        let noted: Option<Vec<u8>> = select.query_row([fact], |row| row.get(0)).optional()?;
        if noted.is_some_and(|noted| noted != *value) {
            return Ok(Some(fact));
        }
    }
    Ok(None)
}

pub(in crate::store) fn record_ledger_identity(
    tx: &Connection,
    facts: &[LedgerFact],
) -> Result<Option<&'static str>, StoreError> {
    if let Some(fact) = find_differing_fact(tx, facts)? {
        return Ok(Some(fact));
    }
    let mut note =
        tx.prepare_cached("INSERT OR REPLACE INTO ledger_identity (fact, value) VALUES (?1, ?2)")?;
    for (fact, value) in facts {
        note.execute(params![fact, value])?;
    }
    Ok(None)
}
