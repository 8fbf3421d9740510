//! Sealed values in SQL. Rows are locked in the order of their keys.

use crate::store::error::inconsistent_row;
use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::rows::{read_count, read_hash};
use crate::store::postgres::tx_error::TxError;
use crate::store::sealing::{SealedAt, SealedColumn, SealedValue, SealedValueUpdate};
use tokio_postgres::Row;

/// The key of the row in `ledger_identity`.
const FACT: &str = "sealing key";

pub(super) async fn find_sealing_key(db: &PgConnection<'_>) -> Result<Option<String>, TxError> {
    let row = db.query_optional("SELECT value FROM ledger_identity WHERE fact = $1", &[&FACT]).await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(String::from_utf8(row.try_get("value")?).map_err(|_| inconsistent_row("ledger_identity.value"))?))
}

pub(super) async fn list_sealed_values(
    db: &PgConnection<'_>,
    column: SealedColumn,
    after: Option<&SealedAt>,
    limit: u32,
) -> Result<Vec<SealedValue>, TxError> {
    let limit = i64::from(limit);
    let rows = match column {
        SealedColumn::Subscribers => {
            let after = if let Some(SealedAt::Subscriber(id)) = after { id } else { "" };
            let sql = "SELECT number_sealed AS sealed, subscriber_id FROM subscribers
                WHERE subscriber_id > $1 AND number_sealed IS NOT NULL ORDER BY subscriber_id LIMIT $2";
            db.query(sql, &[&after, &limit]).await?
        }
        SealedColumn::Flows => {
            let after: &[u8] = if let Some(SealedAt::Flow(hash)) = after { hash } else { &[] };
            let sql = "SELECT number_sealed AS sealed, flow_hash FROM flows WHERE flow_hash > $1
                ORDER BY flow_hash LIMIT $2";
            db.query(sql, &[&after, &limit]).await?
        }
        // Written files have no sealed numbers.
        SealedColumn::FileLines => {
            let (file, line) = if let Some(SealedAt::BillingFileLine(file, line)) = after {
                (file.as_str(), *line)
            } else {
                ("", 0)
            };
            let sql = "SELECT l.number_sealed AS sealed, l.file_id, l.line
                FROM files f JOIN file_lines l USING (file_id)
                WHERE f.written_at IS NULL AND f.response_sha256 IS NULL AND l.number_sealed IS NOT NULL
                    AND (l.file_id, l.line) > ($1, $2)
                ORDER BY l.file_id, l.line LIMIT $3";
            db.query(sql, &[&file, &i64::from(line), &limit]).await?
        }
        SealedColumn::Messages => {
            let after = if let Some(SealedAt::Message(entry)) = after { *entry } else { i64::MIN };
            let sql = "SELECT payload AS sealed, job_id FROM outbox WHERE payload IS NOT NULL AND job_id > $1
                ORDER BY job_id LIMIT $2";
            db.query(sql, &[&after, &limit]).await?
        }
    };
    rows.iter()
        .map(|row| Ok(SealedValue { at: read_place(column, row)?, sealed: row.try_get("sealed")? }))
        .collect()
}

fn read_place(column: SealedColumn, row: &Row) -> Result<SealedAt, TxError> {
    Ok(match column {
        SealedColumn::Subscribers => SealedAt::Subscriber(row.try_get("subscriber_id")?),
        SealedColumn::Flows => SealedAt::Flow(read_hash(row, "flows.flow_hash")?),
        SealedColumn::FileLines => {
            SealedAt::BillingFileLine(row.try_get("file_id")?, read_count(row, "file_lines.line")?)
        }
        SealedColumn::Messages => SealedAt::Message(row.try_get("job_id")?),
    })
}

async fn replace_sealed_value(
    tx: &PgConnection<'_>,
    SealedValueUpdate { old, new }: &SealedValueUpdate,
) -> Result<u64, TxError> {
    let change = async |sql: &str, values: Values<'_>| tx.execute(sql, values).await;
    match &old.at {
        SealedAt::Subscriber(id) => {
            let sql =
                "UPDATE subscribers SET number_sealed = $3 WHERE subscriber_id = $1 AND number_sealed = $2";
            change(sql, &[id, &old.sealed, new]).await
        }
        SealedAt::Flow(hash) => {
            let sql = "UPDATE flows SET number_sealed = $3 WHERE flow_hash = $1 AND number_sealed = $2";
            change(sql, &[&hash.as_slice(), &old.sealed, new]).await
        }
        SealedAt::BillingFileLine(file, line) => {
            let sql = "UPDATE file_lines SET number_sealed = $4
                WHERE file_id = $1 AND line = $2 AND number_sealed = $3";
            change(sql, &[file, &i64::from(*line), &old.sealed, new]).await
        }
        SealedAt::Message(entry) => {
            let sql = "UPDATE outbox SET payload = $3 WHERE job_id = $1 AND payload = $2";
            change(sql, &[entry, &old.sealed, new]).await
        }
    }
}

pub(in crate::store) async fn note_sealing_key(tx: &PgConnection<'_>, key_id: &str) -> Result<(), TxError> {
    tx.execute_one(
        "ledger_identity",
        "INSERT INTO ledger_identity (fact, value) VALUES ($1, $2)
         ON CONFLICT (fact) DO UPDATE SET value = excluded.value",
        &[&FACT, &key_id.as_bytes()],
    )
    .await
}

pub(in crate::store) async fn replace_sealed_values(
    tx: &PgConnection<'_>,
    values: &[SealedValueUpdate],
) -> Result<u64, TxError> {
    let mut done = 0;
    for value in values {
        done += replace_sealed_value(tx, value).await?;
    }
    Ok(done)
}
