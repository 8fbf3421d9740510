//! Files for billing: made of the outbox's entries, and settled line by line.

use super::rows::text;
use super::{SqliteStore, charges, corrupt, outbox, refunds};
use crate::store::{
    Bill, Charge, Entry, File, FileLine, Filing, HandOff, Hash, ResponseTaking, Settling, StoreError,
};
use async_trait::async_trait;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// Files looked at in one round: more than a backlog of days has, and few enough to hold in memory.
const FILES_MAX: u32 = 100;

#[async_trait]
impl Filing for SqliteStore {
    async fn last_filed_at(&self) -> Result<Option<Timestamp>, StoreError> {
        self.read(|db| {
            let mut select = db.prepare_cached("SELECT max(created_at) FROM files")?;
            let at: Option<i64> = select.query_row([], |row| row.get(0))?;
            Ok(at.map(Timestamp::from_unix_seconds))
        })
        .await
    }

    async fn file(&self, now: Timestamp, file_id: String, entries: Vec<Entry>) -> Result<u32, StoreError> {
        self.write(move |tx| file(tx, now, &file_id, &entries)).await
    }

    async fn unwritten_files(&self) -> Result<Vec<File>, StoreError> {
        self.read(|db| {
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
        })
        .await
    }

    async fn file_named(&self, file_id: String) -> Result<Option<File>, StoreError> {
        self.read(move |db| {
            let mut select = db.prepare_cached("SELECT * FROM files WHERE file_id = ?1")?;
            let mut rows = select.query([&file_id])?;
            rows.next()?.map(read_file).transpose()
        })
        .await
    }

    async fn file_lines(&self, file_id: String) -> Result<Vec<FileLine>, StoreError> {
        self.read(move |db| lines(db, &file_id)).await
    }

    async fn file_written(&self, now: Timestamp, file_id: String, sha256: Hash) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE files SET written_at = ?2, sha256 = ?3 WHERE file_id = ?1 AND written_at IS NULL",
            )?
            .execute(params![file_id, now.unix_seconds(), sha256])?;
            forget_numbers(tx, &file_id)
        })
        .await
    }

    async fn take_response(&self, file_id: String, sha256: Hash) -> Result<ResponseTaking, StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE files SET response_sha256 = ?2 WHERE file_id = ?1 AND response_sha256 IS NULL",
            )?
            .execute(params![file_id, sha256])?;
            forget_numbers(tx, &file_id)?;
            let taken: Option<Hash> = tx
                .prepare_cached("SELECT response_sha256 FROM files WHERE file_id = ?1")?
                .query_row([&file_id], |row| row.get(0))?;
            Ok(if taken == Some(sha256) { ResponseTaking::Taken } else { ResponseTaking::AnotherBefore })
        })
        .await
    }

    async fn settle_line(
        &self,
        now: Timestamp,
        file_id: String,
        line: u32,
        verdict: HandOff,
    ) -> Result<Settling, StoreError> {
        self.write(move |tx| {
            let mut select = tx.prepare_cached(
                "SELECT transaction_id, refund_id FROM file_lines WHERE file_id = ?1 AND line = ?2",
            )?;
            let line: (Option<String>, Option<String>) =
                select.query_row(params![file_id, line], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (settling, kind, id) = match &line {
                (Some(id), None) => {
                    (outbox::settle_charge(tx, now, id, NOBODYS, &verdict)?, "charge-notice", id)
                }
                (None, Some(id)) => {
                    (outbox::settle_refund(tx, now, id, NOBODYS, &verdict)?, "refund-notice", id)
                }
                _ => return Err(corrupt("line of a file")),
            };
            outbox::tell(tx, now, kind, id, settling, &verdict)?;
            Ok(settling)
        })
        .await
    }

    async fn file_acknowledged(&self, now: Timestamp, file_id: String) -> Result<(), StoreError> {
        self.write(move |tx| {
            tx.prepare_cached(
                "UPDATE files SET acknowledged_at = ?2 WHERE file_id = ?1 AND acknowledged_at IS NULL",
            )?
            .execute(params![file_id, now.unix_seconds()])?;
            Ok(())
        })
        .await
    }

    async fn unacknowledged_files(&self, made_by: Timestamp) -> Result<Vec<String>, StoreError> {
        self.read(move |db| {
            let mut select = db.prepare_cached(
                "SELECT file_id FROM files WHERE acknowledged_at IS NULL AND created_at <= ?1
                 ORDER BY created_at, file_id LIMIT ?2",
            )?;
            let names = select.query_map(params![made_by.unix_seconds(), FILES_MAX], |row| row.get(0))?;
            Ok(names.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// An entry that became a line is in nobody's lease.
const NOBODYS: u32 = 0;

fn file(tx: &Connection, now: Timestamp, file_id: &str, entries: &[Entry]) -> Result<u32, StoreError> {
    let mut lines = Vec::with_capacity(entries.len());
    let mut take = tx.prepare_cached(
        "DELETE FROM outbox WHERE entry_id = ?1 AND attempts = ?2 AND parked_at IS NULL
             AND kind IN ('charge', 'refund') AND NOT EXISTS (
                 SELECT 1 FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
                 WHERE t.transaction_id = outbox.transaction_id AND h.erasure_asked_at IS NOT NULL)
         RETURNING transaction_id, refund_id",
    )?;
    for entry in entries {
        let taken = take.query_row(params![entry.entry_id, entry.attempts], |row| {
            Ok((row.get::<_, Option<String>>(0)?, row.get::<_, Option<String>>(1)?))
        });
        lines.extend(taken.optional()?);
    }
    if lines.is_empty() {
        return Ok(0);
    }
    let count = u32::try_from(lines.len()).map_err(|_| corrupt("file"))?;
    tx.prepare_cached("INSERT INTO files (file_id, created_at, lines) VALUES (?1, ?2, ?3)")?
        .execute(params![file_id, now.unix_seconds(), count])?;
    let mut insert = tx.prepare_cached(
        "INSERT INTO file_lines (file_id, line, transaction_id, refund_id) VALUES (?1, ?2, ?3, ?4)",
    )?;
    for ((transaction_id, refund_id), line) in lines.into_iter().zip(1_u32..) {
        insert.execute(params![file_id, line, transaction_id, refund_id])?;
    }
    Ok(count)
}

/// Whether a charge or refund, by the column that names it, is in a file: then it is billing's.
pub(super) fn is_in_a_file(tx: &Connection, subject: &str, id: &str) -> Result<bool, StoreError> {
    Ok(tx.prepare_cached(&format!("SELECT 1 FROM file_lines WHERE {subject} = ?1"))?.exists([id])?)
}

/// A subscriber's number is about to change: what is being written out with it stays as it is.
pub(super) fn keep_number(tx: &Connection, subscriber_id: &str) -> Result<(), StoreError> {
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

/// A file that was written is not written again.
fn forget_numbers(tx: &Connection, file_id: &str) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE file_lines SET number_sealed = NULL WHERE file_id = ?1 AND number_sealed IS NOT NULL",
    )?
    .execute([file_id])?;
    Ok(())
}

fn read_file(row: &Row<'_>) -> Result<File, StoreError> {
    let at = |seconds: Option<i64>| seconds.map(Timestamp::from_unix_seconds);
    Ok(File {
        file_id: text(row, "file_id", |name| Some(name.to_owned()))?,
        created_at: Timestamp::from_unix_seconds(row.get("created_at")?),
        lines: row.get("lines")?,
        written_at: at(row.get("written_at")?),
        acknowledged_at: at(row.get("acknowledged_at")?),
    })
}

fn lines(db: &Connection, file_id: &str) -> Result<Vec<FileLine>, StoreError> {
    let of_file = |select: &str, on: &str| {
        format!(
            "{} JOIN file_lines l ON {on} WHERE l.file_id = ?1",
            select.replacen("SELECT", "SELECT l.line, l.number_sealed AS filed_number,", 1)
        )
    };
    let mut lines = Vec::new();
    let mut charges = db.prepare_cached(&of_file(charges::CHARGE, "l.transaction_id = t.transaction_id"))?;
    let mut rows = charges.query([file_id])?;
    while let Some(row) = rows.next()? {
        // It is billing's by now, whatever has become of the PAI since.
        let mut charge = Charge { closed: None, ..charges::read_charge(row)? };
        if let (Some(holder), Some(sealed)) = (&mut charge.holder, row.get("filed_number")?) {
            holder.number.sealed = sealed;
        }
        lines.push(FileLine { line: row.get("line")?, bill: Bill::Charge(charge) });
    }
    let mut refunds = db.prepare_cached(&of_file(refunds::REFUND, "l.refund_id = r.refund_id"))?;
    let mut rows = refunds.query([file_id])?;
    while let Some(row) = rows.next()? {
        lines.push(FileLine { line: row.get("line")?, bill: Bill::Refund(refunds::read_refund(row)?) });
    }
    lines.sort_by_key(|line| line.line);
    Ok(lines)
}
