//! The identity of the ledger in SQL.

use crate::store::error::StoreError;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(in crate::store) fn find_differing_fact(
    db: &Connection,
    facts: &[(&'static str, Vec<u8>)],
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
    facts: &[(&'static str, Vec<u8>)],
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
