//! Marks of an incomplete ledger in SQL.

use super::{COPIED_AT, RECOVERING_SINCE, RecoveryMarks, from_stored, to_stored};
use crate::store::error::{StoreError, inconsistent_row};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn find_recovery_marks(db: &Connection) -> Result<RecoveryMarks, StoreError> {
    let mut select = db.prepare_cached("SELECT value FROM ledger_identity WHERE fact = ?1")?;
    let mut mark = |fact: &str| {
        let value: Option<Vec<u8>> = select.query_row([fact], |row| row.get(0)).optional()?;
        let at =
            value.map(|value| from_stored(&value).ok_or_else(|| inconsistent_row("ledger_identity.value")));
        at.transpose()
    };
    Ok(RecoveryMarks { copied_at: mark(COPIED_AT)?, recovering_since: mark(RECOVERING_SINCE)? })
}

pub(in crate::store) fn write_mark(tx: &Connection, fact: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR REPLACE INTO ledger_identity (fact, value) VALUES (?1, ?2)")?
        .execute(params![fact, to_stored(at)])?;
    Ok(())
}

pub(super) fn begin_recovery(tx: &Connection, now: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR IGNORE INTO ledger_identity (fact, value) VALUES (?1, ?2)")?
        .execute(params![RECOVERING_SINCE, to_stored(now)])?;
    Ok(())
}

pub(super) fn end_recovery(tx: &Connection) -> Result<bool, StoreError> {
    let removed = tx
        .prepare_cached("DELETE FROM ledger_identity WHERE fact IN (?1, ?2)")?
        .execute([COPIED_AT, RECOVERING_SINCE])?;
    Ok(removed > 0)
}
