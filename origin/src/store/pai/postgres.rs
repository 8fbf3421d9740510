//! PAIs and their subscribers in SQL.

use crate::config::NumberCheckLimits;
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::flow::postgres as flow;
use crate::store::number::NumberIndex;
use crate::store::pai::{ClosePaiResult, NewPai, PaiRow, PaiStatus};
use crate::store::postgres::connection::{PgConnection, Values};
use crate::store::postgres::number_lock;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_pai};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::postgres as queue;
use crate::store::tally::{Tallied, postgres as tally};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

/// Ordered, so that two transactions cannot deadlock. A PAI's key never changes, so the lock need
/// not block a charge that refers to it.
const OPEN_PAIS_OF_SUBSCRIBER: &str =
    "SELECT pai FROM pais WHERE subscriber_id = $1 AND state <> 'CLOSED' ORDER BY pai FOR NO KEY UPDATE";

const OPEN_PAI_OF_NUMBER: &str = "SELECT p.pai FROM subscribers h JOIN pais p USING (subscriber_id)
     WHERE h.number_index = $1 AND h.ended_at IS NULL AND h.subscriber_ref = $2 AND p.partner = $3
         AND p.state <> 'CLOSED'";

/// A PAI has one live subscription at most, found by the index of live ones.
const CANCEL_LIVE: &str =
    "UPDATE partner_subscriptions SET status = 'CANCELLED', ended_at = $2, ended_by = $3
     WHERE pai = $1 AND status <> 'CANCELLED'";

/// The PAI of the number's present subscriber, and whether it is new.
pub(in crate::store) async fn find_or_create_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<(PaiRow, bool), TxError> {
    // Two calls at once would both find no subscriber, or no PAI.
    number_lock::acquire(tx, now, new.number.index).await?;
    let subscriber_id = find_or_create_subscriber(tx, now, new).await?;
    match find_open_pai(tx, &new.partner, &subscriber_id).await? {
        Some(row) => Ok((row, false)),
        None => Ok((insert_pai(tx, now, new, &subscriber_id).await?, true)),
    }
}

/// Whether the flow that has proved the number is over. No event ends it between this and the commit.
pub(in crate::store) async fn is_proof_over(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<bool, TxError> {
    number_lock::acquire(tx, now, new.number.index).await?;
    match &new.proved_in {
        Some(flow) => Ok(!flow::is_proof_open(tx, now, flow).await?),
        None => Ok(false),
    }
}

pub(super) async fn issue_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<Option<PaiRow>, TxError> {
    if is_proof_over(tx, now, new).await? { Ok(None) } else { Ok(Some(put_pai(tx, now, new).await?)) }
}

/// Has the edge informed of a new PAI by a job; a sign-up does that in its response.
pub(in crate::store) async fn put_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<PaiRow, TxError> {
    let (row, is_new) = find_or_create_pai(tx, now, new).await?;
    if is_new {
        queue::put_pai_change(tx, now, &row.pai.to_string()).await?;
    }
    Ok(row)
}

pub(in crate::store) async fn issue_checked_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limits: NumberCheckLimits,
    new: &NewPai,
) -> Result<Tallied<PaiRow>, TxError> {
    // Before the counts, as everywhere.
    number_lock::acquire(tx, now, new.number.index).await?;
    match tally::count_check(tx, now, &new.to_check(limits)).await? {
        Some(exceeded) => Ok(Tallied::Exceeded(exceeded)),
        None => Ok(Tallied::Within(put_pai(tx, now, new).await?)),
    }
}

/// The number's present subscriber. It is a new one when there is none, or when `subscriber_ref`
/// has changed.
async fn find_or_create_subscriber(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<String, TxError> {
    let index = new.number.index.0.as_slice();
    let on_record = tx
        .query_optional(
            "SELECT subscriber_id, subscriber_ref, coalesce(last_event_at_nanoseconds < $2, TRUE) AS is_before_now
             FROM subscribers WHERE number_index = $1 AND ended_at IS NULL",
            &[&index, &now.unix_nanoseconds()],
        )
        .await?;
    if let Some(row) = on_record {
        let subscriber_id: String = row.try_get("subscriber_id")?;
        if row.try_get::<_, &str>("subscriber_ref")? == new.subscriber_ref {
            // The operator has just reported a good account, unless an event came since.
            if row.try_get("is_before_now")? {
                resume_pais(tx, now, &subscriber_id).await?;
            }
            return Ok(subscriber_id);
        }
        end_subscriber_and_close_pais(tx, now, &subscriber_id, DeclineReason::AccountClosedTakenOver).await?;
    }
    tx.execute_one(
        "subscribers",
        "INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &new.fresh.subscriber_id,
            &new.fresh.handle,
            &index,
            &new.number.sealed,
            &new.subscriber_ref,
            &now.unix_seconds(),
        ],
    )
    .await?;
    Ok(new.fresh.subscriber_id.clone())
}

/// Ends a subscriber: their PAIs are closed permanently and their subscriptions cancelled. The
/// caller has locked the number, so that no new PAI comes in between.
pub(in crate::store) async fn end_subscriber_and_close_pais(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
    reason: DeclineReason,
) -> Result<(), TxError> {
    tx.execute_one(
        "subscribers",
        "UPDATE subscribers SET ended_at = $2 WHERE subscriber_id = $1 AND ended_at IS NULL",
        &[&subscriber_id, &now.unix_seconds()],
    )
    .await?;
    for row in tx.query(OPEN_PAIS_OF_SUBSCRIBER, &[&subscriber_id]).await? {
        close_pai_row(tx, now, row.try_get("pai")?, reason).await?;
    }
    Ok(())
}

pub(in crate::store) async fn suspend_pais(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
) -> Result<(), TxError> {
    change_pai_states(tx, now, subscriber_id, PaiState::Active, PaiState::Suspended).await
}

pub(in crate::store) async fn resume_pais(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
) -> Result<(), TxError> {
    change_pai_states(tx, now, subscriber_id, PaiState::Suspended, PaiState::Active).await
}

async fn change_pai_states(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
    from: PaiState,
    to: PaiState,
) -> Result<(), TxError> {
    for row in tx.query(OPEN_PAIS_OF_SUBSCRIBER, &[&subscriber_id]).await? {
        let pai: &str = row.try_get("pai")?;
        let changed = tx
            .execute(
                "UPDATE pais SET state = $3, version = version + 1 WHERE pai = $1 AND state = $2",
                &[&pai, &from.as_str(), &to.as_str()],
            )
            .await?;
        if changed == 1 {
            queue::put_pai_change(tx, now, pai).await?;
        }
    }
    Ok(())
}

/// A closed PAI stays as it is, with its first reason.
pub(in crate::store) async fn close_pai_row(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pai: &str,
    reason: DeclineReason,
) -> Result<(), TxError> {
    let closed = tx
        .execute(
            "UPDATE pais SET state = 'CLOSED', closed_reason = $2, closed_at = $3, version = version + 1
         WHERE pai = $1 AND state <> 'CLOSED'",
            &[&pai, &reason.as_str(), &now.unix_seconds()],
        )
        .await?;
    tx.execute(CANCEL_LIVE, &[&pai, &now.unix_seconds(), &reason.as_str()]).await?;
    if closed == 0 { Ok(()) } else { queue::put_pai_change(tx, now, pai).await }
}

const PAI_ROW: &str = "SELECT p.pai, p.state, p.version, p.dark_since IS NOT NULL AS is_dark, s.handle
     FROM pais p JOIN subscribers s USING (subscriber_id)";

async fn find_open_pai(
    tx: &PgConnection<'_>,
    partner: &PartnerId,
    subscriber_id: &str,
) -> Result<Option<PaiRow>, TxError> {
    let sql = format!("{PAI_ROW} WHERE p.partner = $1 AND p.subscriber_id = $2 AND p.state <> 'CLOSED'");
    let row = tx.query_optional(&sql, &[&partner.as_str(), &subscriber_id]).await?;
    row.as_ref().map(read_pai_row).transpose()
}

pub(in crate::store) async fn find_pai(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<PaiRow>, TxError> {
    let sql = format!("{PAI_ROW} WHERE p.partner = $1 AND p.pai = $2");
    let row = db.query_optional(&sql, &[&partner.as_str(), &pai.to_string()]).await?;
    row.as_ref().map(read_pai_row).transpose()
}

pub(super) async fn find_pai_of_number(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    number: NumberIndex,
    subscriber_ref: &str,
) -> Result<Option<Pai>, TxError> {
    let values: Values<'_> = &[&number.0.as_slice(), &subscriber_ref, &partner.as_str()];
    let row = db.query_optional(OPEN_PAI_OF_NUMBER, values).await?;
    row.as_ref().map(|row| read_pai(row, "pais.pai")).transpose()
}

fn read_pai_row(row: &Row) -> Result<PaiRow, TxError> {
    Ok(PaiRow {
        pai: read_pai(row, "pais.pai")?,
        handle: row.try_get("handle")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        version: u64::try_from(row.try_get::<_, i64>("version")?)
            .map_err(|_| inconsistent_row("pais.version"))?,
        is_dark: row.try_get("is_dark")?,
    })
}

async fn insert_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewPai,
    subscriber_id: &str,
) -> Result<PaiRow, TxError> {
    let NewPai { partner, fresh, .. } = new;
    tx.execute_one(
        "pais",
        "INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
         VALUES ($1, $2, $3, 'ACTIVE', 1, $4)",
        &[&fresh.pai.to_string(), &partner.as_str(), &subscriber_id, &now.unix_seconds()],
    )
    .await?;
    find_pai(tx, partner, fresh.pai).await?.ok_or_else(|| missing_row("pais").into())
}

const SELECT_PAI_STATUS: &str = "SELECT p.pai, p.partner, p.state, p.closed_reason, p.version, h.handle
    FROM pais p JOIN subscribers h USING (subscriber_id)";

pub(in crate::store) async fn find_pai_status(
    db: &PgConnection<'_>,
    pai: Pai,
) -> Result<Option<PaiStatus>, TxError> {
    let row =
        db.query_optional(&format!("{SELECT_PAI_STATUS} WHERE p.pai = $1"), &[&pai.to_string()]).await?;
    row.map(|row| read_pai_status(&row)).transpose()
}

pub(in crate::store) async fn list_pai_statuses(
    db: &PgConnection<'_>,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<(Pai, PaiStatus)>, TxError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    // In a CASE, because few rows would seem to be left, and all PAIs be read for a page.
    let sql = "SELECT p.pai, p.partner, p.state, p.closed_reason, p.version, h.handle
        FROM pais p CROSS JOIN LATERAL
            (SELECT * FROM subscribers l WHERE l.subscriber_id = p.subscriber_id LIMIT 1) h
        WHERE p.pai > $1 AND CASE WHEN p.dark_since IS NULL THEN TRUE ELSE FALSE END ORDER BY p.pai LIMIT $2";
    let rows = db.query(sql, &[&after, &i64::from(limit)]).await?;
    rows.iter().map(|row| Ok((read_pai(row, "pais.pai")?, read_pai_status(row)?))).collect()
}

pub(in crate::store) async fn is_dark_subscription(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<bool, TxError> {
    let sql = "SELECT 1 FROM partner_subscriptions s JOIN pais p USING (pai)
         WHERE s.partner_subscription_id = $1 AND s.partner = $2 AND p.dark_since IS NOT NULL";
    Ok(db.query_optional(sql, &[&id.as_str(), &partner.as_str()]).await?.is_some())
}

fn read_pai_status(row: &Row) -> Result<PaiStatus, TxError> {
    Ok(PaiStatus {
        partner: parse_column(row, "pais.partner", PartnerId::parse)?,
        handle: row.try_get("handle")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        closed_reason: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
        version: u64::try_from(row.try_get::<_, i64>("version")?)
            .map_err(|_| inconsistent_row("pais.version"))?,
    })
}

pub(in crate::store) async fn close_pai(
    tx: &PgConnection<'_>,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
    reason: DeclineReason,
) -> Result<ClosePaiResult, TxError> {
    if !reason.closes_pai() {
        return Ok(ClosePaiResult::NotAClosingReason);
    }
    let sql = "SELECT closed_reason, dark_since IS NOT NULL AS is_dark FROM pais
         WHERE partner = $1 AND pai = $2 FOR UPDATE";
    let Some(row) = tx.query_optional(sql, &[&partner.as_str(), &pai.to_string()]).await? else {
        return Ok(ClosePaiResult::NotFound);
    };
    if let Some(first) = parse_optional_column(&row, "pais.closed_reason", DeclineReason::parse)? {
        return Ok(ClosePaiResult::AlreadyClosed(first));
    }
    if row.try_get("is_dark")? {
        return Ok(ClosePaiResult::NotCutOver);
    }
    close_pai_row(tx, now, &pai.to_string(), reason).await?;
    Ok(ClosePaiResult::Closed)
}
