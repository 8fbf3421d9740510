//! Files for billing in SQL.

use crate::config::FileColumns;
use crate::store::billing_file::{AcceptResponseResult, BillingFile, BillingFileLine, BillingItem};
use crate::store::charge::{Charge, postgres as charge};
use crate::store::clock_skew::latest_now;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::number::Hash;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_count, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{LeasedJob, Queue, read_trace};
use crate::store::refund::postgres as refund;
use onbill_domain::timestamp::Timestamp;
use std::collections::HashMap;
use tokio_postgres::Row;

/// Files in one round: more than a backlog of days has, and few enough to hold in memory.
const FILES_MAX: i64 = 100;

pub(super) async fn find_newest_file_time(
    db: &PgConnection<'_>,
    now: Timestamp,
) -> Result<Option<Timestamp>, TxError> {
    let row = db
        .query_optional(
            "SELECT max(created_at) AS at FROM files WHERE created_at <= $1",
            &[&latest_now(now).unix_seconds()],
        )
        .await?
        .ok_or_else(|| missing_row("files"))?;
    Ok(row.try_get::<_, Option<i64>>("at")?.map(Timestamp::from_unix_seconds))
}

/// Charges are locked before their jobs, as in every use case, and in the order of their ids, so
/// that two files at once cannot deadlock.
pub(super) async fn create_billing_file(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: &str,
    entries: &[LeasedJob],
    columns: &FileColumns,
) -> Result<u32, TxError> {
    let ids: Vec<i64> = entries.iter().map(|entry| entry.job_id).collect();
    let attempts: Vec<i64> = entries.iter().map(|entry| i64::from(entry.attempts)).collect();
    lock_subjects(tx, entries).await?;
    let sql = format!(
        "DELETE FROM outbox WHERE (job_id, attempts) IN (SELECT * FROM unnest($1::BIGINT[], $2::BIGINT[]))
             AND dead_lettered_at IS NULL AND kind IN ({}) AND NOT EXISTS (
                 SELECT 1 FROM transactions t JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
                 WHERE t.transaction_id = outbox.transaction_id AND h.erasure_requested_at IS NOT NULL)
         RETURNING job_id, transaction_id, refund_id, correlator, traceparent",
        Queue::Billing.sql()
    );
    let taken = tx.query(&sql, &[&ids, &attempts]).await?;
    if taken.is_empty() {
        return Ok(0);
    }
    let taken: HashMap<i64, Row> =
        taken.into_iter().map(|row| Ok((row.try_get("job_id")?, row))).collect::<Result<_, TxError>>()?;
    let rows: Vec<&Row> = ids.iter().filter_map(|id| taken.get(id)).collect();
    let texts = |column: &str| -> Result<Vec<Option<&str>>, TxError> {
        rows.iter().map(|row| Ok(row.try_get(column)?)).collect()
    };
    let count = u32::try_from(rows.len()).map_err(|_| inconsistent_row("files.lines"))?;
    tx.execute_one(
        "files",
        "INSERT INTO files (file_id, created_at, lines, columns) VALUES ($1, $2, $3, $4)",
        &[&file_id, &now.unix_seconds(), &i64::from(count), &columns.to_string()],
    )
    .await?;
    tx.execute(
        "INSERT INTO file_lines (file_id, line, transaction_id, refund_id, correlator, traceparent)
         SELECT $1, line, transaction_id, refund_id, correlator, traceparent
         FROM unnest($2::TEXT[], $3::TEXT[], $4::TEXT[], $5::TEXT[]) WITH ORDINALITY
             AS lines (transaction_id, refund_id, correlator, traceparent, line)",
        &[
            &file_id,
            &texts("transaction_id")?,
            &texts("refund_id")?,
            &texts("correlator")?,
            &texts("traceparent")?,
        ],
    )
    .await?;
    Ok(count)
}

/// Locks the charges and the subscribers that these jobs are about.
async fn lock_subjects(tx: &PgConnection<'_>, jobs: &[LeasedJob]) -> Result<(), TxError> {
    let ids: Vec<i64> = jobs.iter().map(|job| job.job_id).collect();
    tx.query(
        "SELECT 1 FROM transactions WHERE transaction_id IN
             (SELECT coalesce(o.transaction_id, r.transaction_id) FROM outbox o LEFT JOIN refunds r USING (refund_id)
              WHERE o.job_id = ANY ($1))
         ORDER BY transaction_id FOR UPDATE",
        &[&ids],
    )
    .await?;
    // This waits for erasures of these subscribers. After one, the subscriber is in no file, or in
    // one that the erasure waits for.
    tx.query(
        "SELECT 1 FROM subscribers WHERE subscriber_id IN
             (SELECT p.subscriber_id FROM outbox o JOIN transactions t USING (transaction_id) JOIN pais p ON p.pai = t.pai
              WHERE o.job_id = ANY ($1))
         ORDER BY subscriber_id FOR SHARE",
        &[&ids],
    )
    .await?;
    Ok(())
}

/// Whether a charge or refund, by the column of its id, is in a file: then it is settled by
/// billing's response.
pub(in crate::store) async fn is_in_file(
    tx: &PgConnection<'_>,
    subject: &str,
    id: &str,
) -> Result<bool, TxError> {
    Ok(tx.query_optional(&format!("SELECT 1 FROM file_lines WHERE {subject} = $1"), &[&id]).await?.is_some())
}

pub(super) async fn list_unwritten_files(db: &PgConnection<'_>) -> Result<Vec<BillingFile>, TxError> {
    let rows = db
        .query(
            "SELECT * FROM files WHERE written_at IS NULL AND response_sha256 IS NULL
             ORDER BY created_at, file_id LIMIT $1",
            &[&FILES_MAX],
        )
        .await?;
    rows.iter().map(read_file).collect()
}

pub(super) async fn find_billing_file(
    db: &PgConnection<'_>,
    file_id: &str,
) -> Result<Option<BillingFile>, TxError> {
    db.query_optional("SELECT * FROM files WHERE file_id = $1", &[&file_id])
        .await?
        .as_ref()
        .map(read_file)
        .transpose()
}

fn read_file(row: &Row) -> Result<BillingFile, TxError> {
    let at = |column: &str| -> Result<Option<Timestamp>, TxError> {
        Ok(row.try_get::<_, Option<i64>>(column)?.map(Timestamp::from_unix_seconds))
    };
    Ok(BillingFile {
        file_id: row.try_get("file_id")?,
        created_at: read_time(row, "files.created_at")?,
        lines: read_count(row, "files.lines")?,
        columns: parse_column(row, "files.columns", FileColumns::parse)?,
        written_at: at("written_at")?,
        acknowledged_at: at("acknowledged_at")?,
    })
}

/// Before a subscriber's number changes, keeps the old one for files that are being written. The
/// files are locked, so that none of them is marked as written at this moment.
pub(in crate::store) async fn keep_old_number(
    tx: &PgConnection<'_>,
    subscriber_id: &str,
) -> Result<(), TxError> {
    tx.query("SELECT 1 FROM files WHERE written_at IS NULL AND response_sha256 IS NULL FOR SHARE", &[])
        .await?;
    tx.execute(
        "UPDATE file_lines l SET number_sealed = h.number_sealed
         FROM files f, transactions t, pais p, subscribers h
         WHERE f.written_at IS NULL AND f.response_sha256 IS NULL AND l.file_id = f.file_id
             AND t.transaction_id = l.transaction_id AND p.pai = t.pai
             AND h.subscriber_id = p.subscriber_id AND h.subscriber_id = $1 AND l.number_sealed IS NULL",
        &[&subscriber_id],
    )
    .await?;
    Ok(())
}

/// A written file is not written again, so it needs no number any more.
async fn delete_sealed_numbers(tx: &PgConnection<'_>, file_id: &str) -> Result<(), TxError> {
    tx.execute(
        "UPDATE file_lines SET number_sealed = NULL WHERE file_id = $1 AND number_sealed IS NOT NULL",
        &[&file_id],
    )
    .await?;
    Ok(())
}

/// The columns of a line, before those of what is on it.
const LINE: &str = "SELECT l.line, l.number_sealed AS filed_number, l.correlator AS line_correlator,
        l.traceparent AS line_traceparent,";

/// What is on a line never changes, so the two queries see the same file.
pub(super) async fn list_file_lines(
    db: &PgConnection<'_>,
    file_id: &str,
) -> Result<Vec<BillingFileLine>, TxError> {
    let of_file = |select: &str, on: &str| {
        let select = select.replacen("SELECT", LINE, 1);
        format!("{select} JOIN file_lines l ON {on} WHERE l.file_id = $1")
    };
    let charges = of_file(charge::CHARGE, "l.transaction_id = t.transaction_id");
    let refunds = of_file(refund::REFUND, "l.refund_id = r.refund_id");
    let (charges, refunds) = (db.query(&charges, &[&file_id]).await?, db.query(&refunds, &[&file_id]).await?);
    let charges = charges.iter().map(|row| {
        // Billing decides about a charge in a file, even if its PAI was closed since.
        let mut charge = Charge { closed: None, ..charge::read_charge(row)? };
        if let (Some(subscriber), Some(sealed)) = (&mut charge.subscriber, row.try_get("filed_number")?) {
            subscriber.number.sealed = sealed;
        }
        Ok((row, BillingItem::Charge(charge)))
    });
    let refunds = refunds.iter().map(|row| Ok((row, BillingItem::Refund(refund::read_refund(row)?))));
    let mut lines = charges
        .chain(refunds)
        .map(|read| {
            read.and_then(|(row, bill)| {
                let trace = read_trace(row.try_get("line_correlator")?, row.try_get("line_traceparent")?);
                Ok(BillingFileLine { line: read_count(row, "file_lines.line")?, trace, bill })
            })
        })
        .collect::<Result<Vec<_>, TxError>>()?;
    lines.sort_by_key(|line| line.line);
    Ok(lines)
}

/// The second of two callers waits for the row, and finds the response that the first has accepted.
pub(super) async fn accept_response(
    tx: &PgConnection<'_>,
    file_id: &str,
    sha256: Hash,
) -> Result<AcceptResponseResult, TxError> {
    tx.execute(
        "UPDATE files SET response_sha256 = $2 WHERE file_id = $1 AND response_sha256 IS NULL",
        &[&file_id, &sha256.as_slice()],
    )
    .await?;
    delete_sealed_numbers(tx, file_id).await?;
    let row = tx.query_optional("SELECT response_sha256 FROM files WHERE file_id = $1", &[&file_id]).await?;
    let row = row.ok_or_else(|| missing_row("files"))?;
    let taken: Option<&[u8]> = row.try_get("response_sha256")?;
    Ok(if taken == Some(&sha256[..]) {
        AcceptResponseResult::Accepted
    } else {
        AcceptResponseResult::AnotherAccepted
    })
}

pub(super) async fn list_unacknowledged_files(
    db: &PgConnection<'_>,
    made_by: Timestamp,
) -> Result<Vec<String>, TxError> {
    let rows = db
        .query(
            "SELECT file_id FROM files WHERE acknowledged_at IS NULL AND created_at <= $1
             ORDER BY created_at, file_id LIMIT $2",
            &[&made_by.unix_seconds(), &FILES_MAX],
        )
        .await?;
    rows.iter().map(|row| Ok(row.try_get("file_id")?)).collect()
}

pub(in crate::store) async fn mark_file_written(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: &str,
    sha256: Hash,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE files SET written_at = $2, sha256 = $3 WHERE file_id = $1 AND written_at IS NULL",
        &[&file_id, &now.unix_seconds(), &sha256.as_slice()],
    )
    .await?;
    delete_sealed_numbers(tx, file_id).await
}

pub(in crate::store) async fn mark_file_acknowledged(
    tx: &PgConnection<'_>,
    now: Timestamp,
    file_id: &str,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE files SET acknowledged_at = $2 WHERE file_id = $1 AND acknowledged_at IS NULL",
        &[&file_id, &now.unix_seconds()],
    )
    .await?;
    tx.execute("UPDATE file_lines SET correlator = NULL, traceparent = NULL WHERE file_id = $1", &[&file_id])
        .await?;
    Ok(())
}
