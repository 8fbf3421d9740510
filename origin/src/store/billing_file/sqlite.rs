//! Files for billing in SQL.

use crate::config::FileColumns;
use crate::store::billing_file::{AcceptResponseResult, BillingFile, BillingFileLine, BillingItem};
use crate::store::charge::{Charge, sqlite as charge};
use crate::store::clock_skew::latest_now;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::number::Hash;
use crate::store::queue::{LeasedJob, Queue, read_trace};
use crate::store::refund::sqlite as refund;
use crate::store::sqlite::rows::parse_column;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Files in one round: more than a backlog of days has, and few enough to hold in memory.
const FILES_MAX: u32 = 100;

pub(super) fn create_billing_file(
    tx: &Connection,
    now: Timestamp,
    file_id: &str,
    entries: &[LeasedJob],
    columns: &FileColumns,
) -> Result<u32, StoreError> {
    let mut lines = Vec::with_capacity(entries.len());
    let mut take = tx.prepare_cached(&format!(
        "DELETE FROM outbox WHERE job_id = ?1 AND attempts = ?2 AND dead_lettered_at IS NULL
             AND kind IN ({}) AND NOT EXISTS (
                 SELECT 1 FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
                 WHERE t.transaction_id = outbox.transaction_id AND h.erasure_requested_at IS NOT NULL)
         RETURNING transaction_id, refund_id, correlator, traceparent",
        Queue::Billing.sql()
    ))?;
    for entry in entries {
        let taken = take.query_row(params![entry.job_id, entry.attempts], |row| {
            let column = |index: usize| row.get::<_, Option<String>>(index);
            Ok([column(0)?, column(1)?, column(2)?, column(3)?])
        });
        lines.extend(taken.optional()?);
    }
    if lines.is_empty() {
        return Ok(0);
    }
    let count = u32::try_from(lines.len()).map_err(|_| inconsistent_row("files.lines"))?;
    tx.prepare_cached("INSERT INTO files (file_id, created_at, lines, columns) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![file_id, now.unix_seconds(), count, columns.to_string()])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO file_lines (file_id, line, transaction_id, refund_id, correlator, traceparent)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for ([transaction_id, refund_id, correlator, traceparent], line) in lines.into_iter().zip(1_u32..) {
        insert.execute(params![file_id, line, transaction_id, refund_id, correlator, traceparent])?;
    }
    Ok(count)
}

/// Whether a charge or refund, by the column of its id, is in a file: then it is settled by
/// billing's response.
pub(in crate::store) fn is_in_file(tx: &Connection, subject: &str, id: &str) -> Result<bool, StoreError> {
    Ok(tx.prepare_cached(&format!("SELECT 1 FROM file_lines WHERE {subject} = ?1"))?.exists([id])?)
}

/// Before a subscriber's number changes, keeps the old one for files that are being written.
pub(in crate::store) fn keep_old_number(tx: &Connection, subscriber_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE file_lines SET number_sealed = h.number_sealed
         FROM files f, transactions t, pais p, subscribers h
         WHERE f.written_at IS NULL AND f.response_sha256 IS NULL AND file_lines.file_id = f.file_id
             AND t.transaction_id = file_lines.transaction_id AND p.pai = t.pai
             AND h.subscriber_id = p.subscriber_id AND h.subscriber_id = ?1 AND file_lines.number_sealed IS NULL",
    )?
    .execute([subscriber_id])?;
    Ok(())
}

/// A written file is not written again, so it needs no number any more.
fn delete_sealed_numbers(tx: &Connection, file_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE file_lines SET number_sealed = NULL WHERE file_id = ?1 AND number_sealed IS NOT NULL",
    )?
    .execute([file_id])?;
    Ok(())
}

fn read_file(row: &Row<'_>) -> Result<BillingFile, StoreError> {
    let at = |seconds: Option<i64>| seconds.map(Timestamp::from_unix_seconds);
    Ok(BillingFile {
        file_id: parse_column(row, "files.file_id", |name| Some(name.to_owned()))?,
        created_at: Timestamp::from_unix_seconds(row.get("created_at")?),
        lines: row.get("lines")?,
        columns: parse_column(row, "files.columns", FileColumns::parse)?,
        written_at: at(row.get("written_at")?),
        acknowledged_at: at(row.get("acknowledged_at")?),
    })
}

/// The columns of a line, before those of what is on it.
const LINE: &str = "SELECT l.line, l.number_sealed AS filed_number, l.correlator AS line_correlator,
        l.traceparent AS line_traceparent,";

fn read_line(row: &Row<'_>, bill: BillingItem) -> Result<BillingFileLine, StoreError> {
    let trace = read_trace(row.get("line_correlator")?, row.get("line_traceparent")?);
    Ok(BillingFileLine { line: row.get("line")?, trace, bill })
}

pub(super) fn list_file_lines(db: &Connection, file_id: &str) -> Result<Vec<BillingFileLine>, StoreError> {
    let of_file = |select: &str, on: &str| {
        format!("{} JOIN file_lines l ON {on} WHERE l.file_id = ?1", select.replacen("SELECT", LINE, 1))
    };
    let mut lines = Vec::new();
    let mut charges = db.prepare_cached(&of_file(charge::CHARGE, "l.transaction_id = t.transaction_id"))?;
    let mut rows = charges.query([file_id])?;
    while let Some(row) = rows.next()? {
        // Billing decides about a charge in a file, even if its PAI was closed since.
        let mut charge = Charge { closed: None, ..charge::read_charge(row)? };
        if let (Some(subscriber), Some(sealed)) = (&mut charge.subscriber, row.get("filed_number")?) {
            subscriber.number.sealed = sealed;
        }
        lines.push(read_line(row, BillingItem::Charge(charge))?);
    }
    let mut refunds = db.prepare_cached(&of_file(refund::REFUND, "l.refund_id = r.refund_id"))?;
    let mut rows = refunds.query([file_id])?;
    while let Some(row) = rows.next()? {
        lines.push(read_line(row, BillingItem::Refund(refund::read_refund(row)?))?);
    }
    lines.sort_by_key(|line| line.line);
    Ok(lines)
}

pub(in crate::store) fn find_newest_file_time(
    db: &Connection,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let mut select = db.prepare_cached("SELECT max(created_at) FROM files WHERE created_at <= ?1")?;
    let at: Option<i64> = select.query_row([latest_now(now).unix_seconds()], |row| row.get(0))?;
    Ok(at.map(Timestamp::from_unix_seconds))
}

pub(in crate::store) fn list_unwritten_files(db: &Connection) -> Result<Vec<BillingFile>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT * FROM files WHERE written_at IS NULL AND response_sha256 IS NULL
         ORDER BY created_at, file_id LIMIT ?1",
    )?;
    let mut rows = select.query([FILES_MAX])?;
    let mut files = Vec::new();
    while let Some(row) = rows.next()? {
        files.push(read_file(row)?);
    }
    Ok(files)
}

pub(in crate::store) fn find_billing_file(
    db: &Connection,
    file_id: &str,
) -> Result<Option<BillingFile>, StoreError> {
    let mut select = db.prepare_cached("SELECT * FROM files WHERE file_id = ?1")?;
    let mut rows = select.query([file_id])?;
    rows.next()?.map(read_file).transpose()
}

pub(in crate::store) fn mark_file_written(
    tx: &Connection,
    now: Timestamp,
    file_id: &str,
    sha256: Hash,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE files SET written_at = ?2, sha256 = ?3 WHERE file_id = ?1 AND written_at IS NULL",
    )?
    .execute(params![file_id, now.unix_seconds(), sha256])?;
    delete_sealed_numbers(tx, file_id)
}

pub(in crate::store) fn accept_response(
    tx: &Connection,
    file_id: &str,
    sha256: Hash,
) -> Result<AcceptResponseResult, StoreError> {
    tx.prepare_cached(
        "UPDATE files SET response_sha256 = ?2 WHERE file_id = ?1 AND response_sha256 IS NULL",
    )?
    .execute(params![file_id, sha256])?;
    delete_sealed_numbers(tx, file_id)?;
    let taken: Option<Hash> = tx
        .prepare_cached("SELECT response_sha256 FROM files WHERE file_id = ?1")?
        .query_row([file_id], |row| row.get(0))?;
    Ok(if taken == Some(sha256) {
        AcceptResponseResult::Accepted
    } else {
        AcceptResponseResult::AnotherAccepted
    })
}

pub(in crate::store) fn mark_file_acknowledged(
    tx: &Connection,
    now: Timestamp,
    file_id: &str,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE files SET acknowledged_at = ?2 WHERE file_id = ?1 AND acknowledged_at IS NULL",
    )?
    .execute(params![file_id, now.unix_seconds()])?;
    tx.prepare_cached("UPDATE file_lines SET correlator = NULL, traceparent = NULL WHERE file_id = ?1")?
        .execute([file_id])?;
    Ok(())
}

pub(in crate::store) fn list_unacknowledged_files(
    db: &Connection,
    made_by: Timestamp,
) -> Result<Vec<String>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT file_id FROM files WHERE acknowledged_at IS NULL AND created_at <= ?1
         ORDER BY created_at, file_id LIMIT ?2",
    )?;
    let names = select.query_map(params![made_by.unix_seconds(), FILES_MAX], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}
