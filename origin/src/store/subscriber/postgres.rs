//! Erasure in SQL. Deleted values leave the disk with PostgreSQL's own housekeeping:
//! `docs/operator.md` explains what that means for dead rows, log and backups.
//!
//! An erasure locks the number, and its subscribers before their PAIs, as account events do.

use crate::store::audit::{AuditFact, AuditStamp, postgres as audit};
use crate::store::coupon::postgres as coupon;
use crate::store::error::StoreError;
use crate::store::nonce::postgres as nonce;
use crate::store::notification::postgres as notification;
use crate::store::number::NumberIndex;
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::read_time;
use crate::store::postgres::transaction::in_transaction;
use crate::store::postgres::tx_error::TxError;
use crate::store::postgres::{PostgresDatabase, number_lock};
use crate::store::subscriber::{ErasureState, SubscriberOfNumber, audit_facts, erasure_state};
use crate::store::tally::postgres as tally;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

async fn erase_in_transaction(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    name: Option<&ExtId>,
    number: NumberIndex,
) -> Result<ErasureState, TxError> {
    number_lock::acquire(tx, now, number).await?;
    let index = number.0.as_slice();
    if let Some(name) = name
        && let Some(state) = claim_erasure(tx, now, name, number).await?
    {
        append_erasure(tx, now, stamp, &audit_facts(state, true, &[], Some(name))).await?;
        return Ok(state);
    }
    let known = tx
        .query(
            "SELECT subscriber_id, ended_at IS NULL AS is_present, handle FROM subscribers WHERE number_index = $1
             ORDER BY subscriber_id FOR NO KEY UPDATE",
            &[&index],
        )
        .await?;
    let subscribers: Vec<&str> =
        known.iter().map(|row| Ok(row.try_get("subscriber_id")?)).collect::<Result<_, TxError>>()?;
    coupon::delete_fingerprints(tx, &subscribers).await?;
    end_subscribers(tx, now, &known).await?;
    coupon::delete_queued_sms(tx, &subscribers).await?;
    notification::delete_queued_and_fingerprints(tx, &subscribers).await?;
    forget_answers(tx, &subscribers).await?;
    // The events stay by their ids, without the fingerprints of their contents.
    let events = tx
        .execute(
            "UPDATE account_events SET number_index = NULL, fingerprint = NULL, subscriber_id = NULL
             WHERE number_index = $1 OR subscriber_id = ANY ($2)",
            &[&index, &subscribers],
        )
        .await?;
    let flows = tx.execute("DELETE FROM flows WHERE number_index = $1", &[&index]).await?;
    tally::delete_checks_of_number(tx, number).await?;
    erase_subscriber_numbers(tx, &subscribers).await?;
    let found = i64::try_from(known.len() as u64 + events + flows).unwrap_or(i64::MAX);
    if let Some(name) = name {
        let update = "UPDATE erasures SET found = $2 WHERE erasure_id = $1";
        tx.execute_one("erasures", update, &[&name.as_str(), &found]).await?;
    }
    let erasure = erasure_state(now, &list_under_number(tx, number).await?, false, found > 0);
    number_lock::delete(tx, number).await?;
    let handles: Vec<String> =
        known.iter().map(|row| Ok(row.try_get("handle")?)).collect::<Result<_, TxError>>()?;
    append_erasure(tx, now, stamp, &audit_facts(erasure, false, &handles, name)).await?;
    Ok(erasure)
}

/// Marks the subscribers as to be erased. The present one ends with it, and their PAIs are closed.
async fn end_subscribers(tx: &PgConnection<'_>, now: Timestamp, known: &[Row]) -> Result<(), TxError> {
    for row in known {
        let subscriber_id: &str = row.try_get("subscriber_id")?;
        if row.try_get("is_present")? {
            pai::end_subscriber_and_close_pais(tx, now, subscriber_id, DeclineReason::AccountClosed).await?;
        }
        tx.execute_one(
            "subscribers",
            "UPDATE subscribers SET erasure_requested_at = coalesce(erasure_requested_at, $2) WHERE subscriber_id = $1",
            &[&subscriber_id, &now.unix_seconds()],
        )
        .await?;
    }
    Ok(())
}

/// Last in the transaction, as everywhere.
async fn append_erasure(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    facts: &[AuditFact<'_>],
) -> Result<(), TxError> {
    for fact in facts {
        audit::append(tx, now, stamp, fact).await?;
    }
    Ok(())
}

/// Records the id; or, if it was used before, returns the state of that erasure.
async fn claim_erasure(
    tx: &PgConnection<'_>,
    now: Timestamp,
    name: &ExtId,
    number: NumberIndex,
) -> Result<Option<ErasureState>, TxError> {
    let known = tx
        .query_optional("SELECT requested_at, found FROM erasures WHERE erasure_id = $1", &[&name.as_str()])
        .await?;
    if let Some(row) = known {
        let asked_at = read_time(&row, "erasures.requested_at")?;
        let has_traces = has_traces(tx, number, asked_at).await?;
        let has_found = row.try_get::<_, i64>("found")? > 0;
        let under = list_under_number(tx, number).await?;
        return Ok(Some(erasure_state(asked_at, &under, has_traces, has_found)));
    }
    // The same id for another number at the same moment violates the unique index here, and the
    // use case starts again.
    tx.execute_one(
        "erasures",
        "INSERT INTO erasures (erasure_id, requested_at, found) VALUES ($1, $2, 0)",
        &[&name.as_str(), &now.unix_seconds()],
    )
    .await?;
    Ok(None)
}

async fn list_under_number(
    tx: &PgConnection<'_>,
    number: NumberIndex,
) -> Result<Vec<SubscriberOfNumber>, TxError> {
    let rows = tx
        .query(
            "SELECT created_at, erasure_requested_at IS NOT NULL AS is_being_erased FROM subscribers
             WHERE number_index = $1",
            &[&number.0.as_slice()],
        )
        .await?;
    let read = |row| -> Result<SubscriberOfNumber, TxError> {
        let is_being_erased = tokio_postgres::Row::try_get(row, "is_being_erased")?;
        Ok(SubscriberOfNumber { created_at: read_time(row, "subscribers.created_at")?, is_being_erased })
    };
    rows.iter().map(read).collect()
}

/// Whether the number has a flow or an event from that time or before.
async fn has_traces(tx: &PgConnection<'_>, number: NumberIndex, by: Timestamp) -> Result<bool, TxError> {
    let found = tx
        .query(
            "SELECT 1 FROM flows WHERE number_index = $1 AND started_at <= $2
             UNION ALL SELECT 1 FROM account_events WHERE number_index = $1 AND recorded_at <= $2 LIMIT 1",
            &[&number.0.as_slice(), &by.unix_seconds()],
        )
        .await?;
    Ok(!found.is_empty())
}

/// What was answered about a failed job may have the words of a person about the subscriber. The jobs are looked
/// up for each PAI and each charge: PostgreSQL would else read all charges.
async fn forget_answers(tx: &PgConnection<'_>, subscribers: &[&str]) -> Result<(), TxError> {
    let of_charge = |table: &str, id: &str| {
        format!(
            "CROSS JOIN LATERAL (SELECT l.{id} FROM {table} l WHERE l.transaction_id = t.transaction_id OFFSET 0) r"
        )
    };
    for (id, rows) in [
        ("transaction_id", String::new()),
        ("refund_id", of_charge("refunds", "refund_id")),
        ("dispute_id", of_charge("disputes", "dispute_id")),
    ] {
        let sql = format!(
            "UPDATE outbox SET answer_text = NULL WHERE answer_text IS NOT NULL AND {id} = ANY (ARRAY
                 (SELECT {id} FROM pais p CROSS JOIN LATERAL
                     (SELECT l.transaction_id FROM transactions l WHERE l.pai = p.pai OFFSET 0) t {rows}
                  WHERE p.subscriber_id = ANY ($1)))"
        );
        tx.execute(&sql, &[&subscribers]).await?;
    }
    Ok(())
}

/// Keeps the number while a file that is being written needs it, so that the file has the same
/// bytes each time. No later file has lines of a subscriber who is being erased: making one locks
/// the subscribers.
async fn erase_subscriber_numbers(tx: &PgConnection<'_>, subscribers: &[&str]) -> Result<u64, TxError> {
    tx.execute(
        "UPDATE subscribers h SET number_index = NULL, number_sealed = NULL, subscriber_ref = NULL
         WHERE h.subscriber_id = ANY ($1) AND NOT EXISTS (
             SELECT 1 FROM files f JOIN file_lines l USING (file_id) JOIN transactions t USING (transaction_id)
                 JOIN pais p USING (pai)
             WHERE f.written_at IS NULL AND f.response_sha256 IS NULL AND p.subscriber_id = h.subscriber_id)",
        &[&subscribers],
    )
    .await
}

/// Erases the numbers that had to wait for a file, and returns how many.
pub(in crate::store) async fn continue_erasures(tx: &PgConnection<'_>, limit: i64) -> Result<u64, TxError> {
    let waiting = tx
        .query(
            "SELECT subscriber_id FROM subscribers WHERE erasure_requested_at IS NOT NULL AND number_index IS NOT NULL
             ORDER BY subscriber_id LIMIT $1 FOR NO KEY UPDATE SKIP LOCKED",
            &[&limit],
        )
        .await?;
    let waiting: Vec<&str> =
        waiting.iter().map(|row| Ok(row.try_get("subscriber_id")?)).collect::<Result<_, TxError>>()?;
    if waiting.is_empty() { Ok(0) } else { erase_subscriber_numbers(tx, &waiting).await }
}

pub(in crate::store) async fn erase_number(
    db: &PostgresDatabase,
    nonce: Option<Nonce>,
    now: Timestamp,
    stamp: AuditStamp,
    name: Option<ExtId>,
    number: NumberIndex,
) -> Result<ErasureState, StoreError> {
    in_transaction!(db.pool(), |tx| {
        nonce::spend_nonce(tx, nonce.as_ref()).await?;
        erase_in_transaction(tx, now, &stamp, name.as_ref(), number).await?
    })
}
