//! Erasure in SQL. Deleted values are overwritten with zeroes (`secure_delete`, see
//! [`crate::store::sqlite`]); [`SqliteDatabase::scrub`] empties the write-ahead log.

use crate::store::audit::{AuditFact, AuditStamp, sqlite as audit};
use crate::store::coupon::sqlite as coupon;
use crate::store::error::StoreError;
use crate::store::nonce::sqlite as nonce;
use crate::store::notification::sqlite as notification;
use crate::store::number::NumberIndex;
use crate::store::pai::sqlite as pai;
use crate::store::queue::forget_answers_sql;
use crate::store::sqlite::SqliteDatabase;
use crate::store::subscriber::{ErasureState, SubscriberOfNumber, audit_facts, erasure_state};
use crate::store::tally::sqlite as tally;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

fn erase_in_transaction(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    name: Option<&ExtId>,
    number: NumberIndex,
) -> Result<ErasureState, StoreError> {
    if let Some(name) = name
        && let Some(state) = claim_erasure(tx, now, name, number)?
    {
        append_erasure(tx, now, stamp, &audit_facts(state, true, &[], Some(name)))?;
        return Ok(state);
    }
    let mut select = tx.prepare_cached(
        "SELECT subscriber_id, ended_at IS NULL AS is_present, handle FROM subscribers WHERE number_index = ?1",
    )?;
    let known: Vec<(String, bool, String)> = select
        .query_map([number.0], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    for (subscriber_id, is_present, _) in &known {
        if *is_present {
            pai::end_subscriber_and_close_pais(tx, now, subscriber_id, DeclineReason::AccountClosed)?;
        }
        tx.prepare_cached(
            "UPDATE subscribers SET erasure_requested_at = coalesce(erasure_requested_at, ?2) WHERE subscriber_id = ?1",
        )?
        .execute(params![subscriber_id, now.unix_seconds()])?;
        unlink_events(tx, "subscriber_id = ?1", subscriber_id)?;
        coupon::erase_buyer(tx, subscriber_id)?;
        notification::delete_queued_and_fingerprints(tx, subscriber_id)?;
        forget_answers(tx, subscriber_id)?;
    }
    let events = unlink_events(tx, "number_index = ?1", &number.0)?;
    let flows = tx.prepare_cached("DELETE FROM flows WHERE number_index = ?1")?.execute([number.0])?;
    tally::delete_checks_of_number(tx, number)?;
    for (subscriber_id, _, _) in &known {
        erase_subscriber_number(tx, subscriber_id)?;
    }
    let found = known.len() + events + flows;
    if let Some(name) = name {
        tx.prepare_cached("UPDATE erasures SET found = ?2 WHERE erasure_id = ?1")?
            .execute(params![name.as_str(), i64::try_from(found).unwrap_or(i64::MAX)])?;
    }
    let state = erasure_state(now, &list_under_number(tx, number)?, false, found > 0);
    let handles: Vec<String> = known.into_iter().map(|(_, _, handle)| handle).collect();
    append_erasure(tx, now, stamp, &audit_facts(state, false, &handles, name))?;
    Ok(state)
}

fn append_erasure(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    facts: &[AuditFact<'_>],
) -> Result<(), StoreError> {
    facts.iter().try_for_each(|fact| audit::append(tx, now, stamp, fact))
}

/// Records the id; or, if it was used before, returns the state of that erasure.
fn claim_erasure(
    tx: &Connection,
    now: Timestamp,
    name: &ExtId,
    number: NumberIndex,
) -> Result<Option<ErasureState>, StoreError> {
    let known: Option<(i64, i64)> = tx
        .prepare_cached("SELECT requested_at, found FROM erasures WHERE erasure_id = ?1")?
        .query_row([name.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((asked_at, found)) = known {
        let has_traces = has_traces(tx, number, asked_at)?;
        let asked_at = Timestamp::from_unix_seconds(asked_at);
        return Ok(Some(erasure_state(asked_at, &list_under_number(tx, number)?, has_traces, found > 0)));
    }
    tx.prepare_cached("INSERT INTO erasures (erasure_id, requested_at, found) VALUES (?1, ?2, 0)")?
        .execute(params![name.as_str(), now.unix_seconds()])?;
    Ok(None)
}

fn list_under_number(tx: &Connection, number: NumberIndex) -> Result<Vec<SubscriberOfNumber>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT created_at, erasure_requested_at IS NOT NULL FROM subscribers WHERE number_index = ?1",
    )?;
    let under = select.query_map([number.0], |row| {
        let created_at = Timestamp::from_unix_seconds(row.get(0)?);
        Ok(SubscriberOfNumber { created_at, is_being_erased: row.get(1)? })
    });
    Ok(under?.collect::<Result<_, _>>()?)
}

/// Whether the number has a flow or an event from that time or before.
fn has_traces(tx: &Connection, number: NumberIndex, by: i64) -> Result<bool, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT 1 FROM flows WHERE number_index = ?1 AND started_at <= ?2
         UNION ALL SELECT 1 FROM account_events WHERE number_index = ?1 AND recorded_at <= ?2",
    )?;
    Ok(select.exists(params![number.0, by])?)
}

/// The events stay by their ids, without the fingerprints of their contents.
fn unlink_events(tx: &Connection, which: &str, key: &dyn rusqlite::ToSql) -> Result<usize, StoreError> {
    let unlinked = tx.prepare_cached(&format!(
        "UPDATE account_events SET number_index = NULL, fingerprint = NULL, subscriber_id = NULL WHERE {which}"
    ))?
    .execute([key])?;
    Ok(unlinked)
}

/// What was answered about a failed job may have the words of a person about the subscriber.
fn forget_answers(tx: &Connection, subscriber_id: &str) -> Result<(), StoreError> {
    for sql in forget_answers_sql("p.subscriber_id = ?1") {
        tx.prepare_cached(&sql)?.execute([subscriber_id])?;
    }
    Ok(())
}

/// Keeps the number while a file that is being written needs it, so that the file has the same
/// bytes each time. No later file has lines of a subscriber who is being erased.
fn erase_subscriber_number(tx: &Connection, subscriber_id: &str) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached(
            "UPDATE subscribers SET number_index = NULL, number_sealed = NULL, subscriber_ref = NULL
             WHERE subscriber_id = ?1 AND NOT EXISTS (
                 SELECT 1 FROM files f JOIN file_lines l USING (file_id) JOIN transactions t USING (transaction_id)
                     JOIN pais p USING (pai)
                 WHERE f.written_at IS NULL AND f.response_sha256 IS NULL AND p.subscriber_id = ?1)",
        )?
        .execute([subscriber_id])?)
}

/// The index is named: on a ledger that was never analysed, SQLite prefers the index of all numbers and reads every
/// subscriber, while no one else writes.
const LIST_WAITING_ERASURES: &str =
    "SELECT subscriber_id FROM subscribers INDEXED BY subscribers_being_erased
     WHERE erasure_requested_at IS NOT NULL AND number_index IS NOT NULL LIMIT ?1";

/// Erases the numbers that had to wait for a file, and returns how many.
pub(in crate::store) fn continue_erasures(tx: &Connection, limit: u32) -> Result<usize, StoreError> {
    let waiting: Vec<String> = tx
        .prepare_cached(LIST_WAITING_ERASURES)?
        .query_map([limit], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    waiting.iter().try_fold(0, |done, subscriber_id| Ok(done + erase_subscriber_number(tx, subscriber_id)?))
}

pub(in crate::store) async fn erase_number(
    db: &SqliteDatabase,
    nonce: Option<Nonce>,
    now: Timestamp,
    stamp: AuditStamp,
    name: Option<ExtId>,
    number: NumberIndex,
) -> Result<ErasureState, StoreError> {
    let erasure = db.write(move |tx| {
        nonce::spend_nonce(tx, nonce.as_ref())?;
        erase_in_transaction(tx, now, &stamp, name.as_ref(), number)
    });
    let erasure = erasure.await?;
    db.scrub().await?;
    Ok(erasure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    /// It is asked every five minutes under the writer's lock.
    #[test]
    fn waiting_erasures_are_found_without_reading_all_subscribers() {
        let plan = query_plan(LIST_WAITING_ERASURES);
        assert!(plan.len() == 1 && plan[0].contains("subscribers_being_erased"), "{plan:?}");
    }
}
