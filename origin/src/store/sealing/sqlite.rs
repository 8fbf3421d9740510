//! Sealed values in SQL.

use crate::store::error::{StoreError, inconsistent_row};
use crate::store::sealing::{SealedAt, SealedColumn, SealedValue, SealedValueUpdate};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// The key of the row in `ledger_identity`.
const FACT: &str = "sealing key";

pub(super) fn list_sealed_values(
    db: &Connection,
    column: SealedColumn,
    after: Option<&SealedAt>,
    limit: u32,
) -> Result<Vec<SealedValue>, StoreError> {
    let read = |row: &Row<'_>| -> rusqlite::Result<SealedValue> {
        let at = match column {
            SealedColumn::Subscribers => SealedAt::Subscriber(row.get(1)?),
            SealedColumn::Flows => SealedAt::Flow(row.get(1)?),
            SealedColumn::FileLines => SealedAt::BillingFileLine(row.get(1)?, row.get(2)?),
            SealedColumn::Messages => SealedAt::Message(row.get(1)?),
        };
        Ok(SealedValue { at, sealed: row.get(0)? })
    };
    let page = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<Vec<SealedValue>, StoreError> {
        let mut select = db.prepare_cached(sql)?;
        Ok(select.query_map(values, read)?.collect::<Result<_, _>>()?)
    };
    match (column, after) {
        (SealedColumn::Subscribers, after) => {
            let after = if let Some(SealedAt::Subscriber(id)) = after { id } else { "" };
            page(
                "SELECT number_sealed, subscriber_id FROM subscribers
                 WHERE subscriber_id > ?1 AND number_sealed IS NOT NULL ORDER BY subscriber_id LIMIT ?2",
                &[&after, &limit],
            )
        }
        (SealedColumn::Flows, after) => {
            let after = if let Some(SealedAt::Flow(hash)) = after { hash.as_slice() } else { &[] };
            page(
                "SELECT number_sealed, flow_hash FROM flows WHERE flow_hash > ?1 ORDER BY flow_hash LIMIT ?2",
                &[&after, &limit],
            )
        }
        // Written files have no sealed numbers.
        (SealedColumn::FileLines, after) => {
            let (file, line) = if let Some(SealedAt::BillingFileLine(file, line)) = after {
                (file.as_str(), *line)
            } else {
                ("", 0)
            };
            page(
                "SELECT l.number_sealed, l.file_id, l.line FROM files f JOIN file_lines l USING (file_id)
                 WHERE f.written_at IS NULL AND f.response_sha256 IS NULL AND l.number_sealed IS NOT NULL
                     AND (l.file_id, l.line) > (?1, ?2)
                 ORDER BY l.file_id, l.line LIMIT ?3",
                &[&file, &line, &limit],
            )
        }
        (SealedColumn::Messages, after) => {
            let after = if let Some(SealedAt::Message(entry)) = after { *entry } else { i64::MIN };
            page(
                "SELECT payload, job_id FROM outbox WHERE payload IS NOT NULL AND job_id > ?1
                 ORDER BY job_id LIMIT ?2",
                &[&after, &limit],
            )
        }
    }
}

fn replace_sealed_value(
    tx: &Connection,
    SealedValueUpdate { old, new }: &SealedValueUpdate,
) -> Result<bool, StoreError> {
    let changed = match &old.at {
        SealedAt::Subscriber(id) => tx
            .prepare_cached(
                "UPDATE subscribers SET number_sealed = ?3 WHERE subscriber_id = ?1 AND number_sealed = ?2",
            )?
            .execute(params![id, old.sealed, new])?,
        SealedAt::Flow(hash) => tx
            .prepare_cached("UPDATE flows SET number_sealed = ?3 WHERE flow_hash = ?1 AND number_sealed = ?2")?
            .execute(params![hash, old.sealed, new])?,
        SealedAt::BillingFileLine(file, line) => tx
            .prepare_cached(
                "UPDATE file_lines SET number_sealed = ?4 WHERE file_id = ?1 AND line = ?2 AND number_sealed = ?3",
            )?
            .execute(params![file, line, old.sealed, new])?,
        SealedAt::Message(entry) => tx
            .prepare_cached("UPDATE outbox SET payload = ?3 WHERE job_id = ?1 AND payload = ?2")?
            .execute(params![entry, old.sealed, new])?,
    };
    Ok(changed == 1)
}

pub(in crate::store) fn note_sealing_key(tx: &Connection, key_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached("INSERT OR REPLACE INTO ledger_identity (fact, value) VALUES (?1, ?2)")?
        .execute(params![FACT, key_id.as_bytes()])?;
    Ok(())
}

pub(in crate::store) fn find_sealing_key(db: &Connection) -> Result<Option<String>, StoreError> {
    let noted: Option<Vec<u8>> = db
        .prepare_cached("SELECT value FROM ledger_identity WHERE fact = ?1")?
        .query_row([FACT], |row| row.get(0))
        .optional()?;
    noted.map(|id| String::from_utf8(id).map_err(|_| inconsistent_row("ledger_identity.value"))).transpose()
}

pub(in crate::store) fn replace_sealed_values(
    tx: &Connection,
    values: &[SealedValueUpdate],
) -> Result<u64, StoreError> {
    values.iter().try_fold(0, |done, value| Ok(done + u64::from(replace_sealed_value(tx, value)?)))
}
