//! PAIs and their subscribers in SQL.

use crate::config::NumberCheckLimits;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::flow::sqlite as flow;
use crate::store::number::NumberIndex;
use crate::store::pai::{ClosePaiResult, NewPai, PaiRow, PaiStatus};
use crate::store::queue::sqlite as queue;
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_pai};
use crate::store::tally::{Tallied, sqlite as tally};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const OPEN_PAIS_OF_SUBSCRIBER: &str = "SELECT pai FROM pais WHERE subscriber_id = ?1 AND state <> 'CLOSED'";

const OPEN_PAI_OF_NUMBER: &str = "SELECT p.pai FROM subscribers h JOIN pais p USING (subscriber_id)
     WHERE h.number_index = ?1 AND h.ended_at IS NULL AND h.subscriber_ref = ?2 AND p.partner = ?3
         AND p.state <> 'CLOSED'";

/// A PAI has one live subscription at most, found by the index of live ones.
const CANCEL_LIVE: &str =
    "UPDATE partner_subscriptions SET status = 'CANCELLED', ended_at = ?2, ended_by = ?3
     WHERE pai = ?1 AND status <> 'CANCELLED'";

/// The PAI of the number's present subscriber, and whether it is new.
pub(in crate::store) fn find_or_create_pai(
    tx: &Connection,
    now: Timestamp,
    new: &NewPai,
) -> Result<(PaiRow, bool), StoreError> {
    let subscriber_id = find_or_create_subscriber(tx, now, new)?;
    match find_open_pai(tx, &new.partner, &subscriber_id)? {
        Some(row) => Ok((row, false)),
        None => Ok((insert_pai(tx, now, new, &subscriber_id)?, true)),
    }
}

/// Whether the flow that has proved the number is over.
pub(in crate::store) fn is_proof_over(
    tx: &Connection,
    now: Timestamp,
    new: &NewPai,
) -> Result<bool, StoreError> {
    match &new.proved_in {
        Some(flow) => Ok(!flow::is_proof_open(tx, now, flow)?),
        None => Ok(false),
    }
}

pub(super) fn issue_pai(tx: &Connection, now: Timestamp, new: &NewPai) -> Result<Option<PaiRow>, StoreError> {
    if is_proof_over(tx, now, new)? { Ok(None) } else { Ok(Some(put_pai(tx, now, new)?)) }
}

/// Has the edge informed of a new PAI by a job; a sign-up does that in its response.
pub(in crate::store) fn put_pai(tx: &Connection, now: Timestamp, new: &NewPai) -> Result<PaiRow, StoreError> {
    let (row, is_new) = find_or_create_pai(tx, now, new)?;
    if is_new {
        queue::put_pai_change(tx, now, &row.pai.to_string())?;
    }
    Ok(row)
}

pub(in crate::store) fn issue_checked_pai(
    tx: &Connection,
    now: Timestamp,
    limits: NumberCheckLimits,
    new: &NewPai,
) -> Result<Tallied<PaiRow>, StoreError> {
    match tally::count_check(tx, now, &new.to_check(limits))? {
        Some(exceeded) => Ok(Tallied::Exceeded(exceeded)),
        None => Ok(Tallied::Within(put_pai(tx, now, new)?)),
    }
}

/// The number's present subscriber. It is a new one when there is none, or when `subscriber_ref`
/// has changed.
fn find_or_create_subscriber(tx: &Connection, now: Timestamp, new: &NewPai) -> Result<String, StoreError> {
    let on_record: Option<(String, String, bool)> = tx
        .prepare_cached(
            "SELECT subscriber_id, subscriber_ref, coalesce(last_event_at_nanoseconds < ?2, TRUE)
             FROM subscribers WHERE number_index = ?1 AND ended_at IS NULL",
        )?
        .query_row(params![new.number.index.0, now.unix_nanoseconds()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    if let Some((subscriber_id, subscriber_ref, is_before_now)) = on_record {
        if subscriber_ref == new.subscriber_ref {
            // The operator has just reported a good account, unless an event came since.
            if is_before_now {
                resume_pais(tx, now, &subscriber_id)?;
            }
            return Ok(subscriber_id);
        }
        end_subscriber_and_close_pais(tx, now, &subscriber_id, DeclineReason::AccountClosedTakenOver)?;
    }
    tx.prepare_cached(
        "INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, subscriber_ref, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        new.fresh.subscriber_id,
        new.fresh.handle,
        new.number.index.0,
        new.number.sealed,
        new.subscriber_ref,
        now.unix_seconds(),
    ])?;
    Ok(new.fresh.subscriber_id.clone())
}

/// Ends a subscriber: their PAIs are closed permanently and their subscriptions cancelled.
pub(in crate::store) fn end_subscriber_and_close_pais(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
    reason: DeclineReason,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE subscribers SET ended_at = ?2 WHERE subscriber_id = ?1 AND ended_at IS NULL")?
        .execute(params![subscriber_id, now.unix_seconds()])?;
    let open: Vec<String> = tx
        .prepare_cached(OPEN_PAIS_OF_SUBSCRIBER)?
        .query_map([subscriber_id], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    open.iter().try_for_each(|pai| close_pai_row(tx, now, pai, reason))
}

pub(in crate::store) fn suspend_pais(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
) -> Result<(), StoreError> {
    change_pai_states(tx, now, subscriber_id, PaiState::Active, PaiState::Suspended)
}

pub(in crate::store) fn resume_pais(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
) -> Result<(), StoreError> {
    change_pai_states(tx, now, subscriber_id, PaiState::Suspended, PaiState::Active)
}

fn change_pai_states(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
    from: PaiState,
    to: PaiState,
) -> Result<(), StoreError> {
    let changed: Vec<String> = tx
        .prepare_cached(
            "UPDATE pais SET state = ?3, version = version + 1 WHERE subscriber_id = ?1 AND state = ?2 RETURNING pai",
        )?
        .query_map(params![subscriber_id, from.as_str(), to.as_str()], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    changed.iter().try_for_each(|pai| queue::put_pai_change(tx, now, pai))
}

/// A closed PAI stays as it is, with its first reason.
pub(in crate::store) fn close_pai_row(
    tx: &Connection,
    now: Timestamp,
    pai: &str,
    reason: DeclineReason,
) -> Result<(), StoreError> {
    let closed = tx
        .prepare_cached(
            "UPDATE pais SET state = 'CLOSED', closed_reason = ?2, closed_at = ?3, version = version + 1
             WHERE pai = ?1 AND state <> 'CLOSED'",
        )?
        .execute(params![pai, reason.as_str(), now.unix_seconds()])?;
    tx.prepare_cached(CANCEL_LIVE)?.execute(params![pai, now.unix_seconds(), reason.as_str()])?;
    if closed == 0 { Ok(()) } else { queue::put_pai_change(tx, now, pai) }
}

const PAI_ROW: &str = "SELECT p.pai, p.state, p.version, p.dark_since IS NOT NULL AS is_dark, s.handle
     FROM pais p JOIN subscribers s USING (subscriber_id)";

fn find_open_pai(
    tx: &Connection,
    partner: &PartnerId,
    subscriber_id: &str,
) -> Result<Option<PaiRow>, StoreError> {
    let mut select = tx.prepare_cached(&format!(
        "{PAI_ROW} WHERE p.partner = ?1 AND p.subscriber_id = ?2 AND p.state <> 'CLOSED'"
    ))?;
    let mut rows = select.query(params![partner.as_str(), subscriber_id])?;
    rows.next()?.map(read_pai_row).transpose()
}

pub(in crate::store) fn find_pai(
    db: &Connection,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<PaiRow>, StoreError> {
    let mut select = db.prepare_cached(&format!("{PAI_ROW} WHERE p.partner = ?1 AND p.pai = ?2"))?;
    let mut rows = select.query(params![partner.as_str(), pai.to_string()])?;
    rows.next()?.map(read_pai_row).transpose()
}

pub(super) fn find_pai_of_number(
    db: &Connection,
    partner: &PartnerId,
    number: NumberIndex,
    subscriber_ref: &str,
) -> Result<Option<Pai>, StoreError> {
    let mut select = db.prepare_cached(OPEN_PAI_OF_NUMBER)?;
    let mut rows = select.query(params![number.0, subscriber_ref, partner.as_str()])?;
    rows.next()?.map(|row| read_pai(row, "pais.pai")).transpose()
}

fn read_pai_row(row: &Row<'_>) -> Result<PaiRow, StoreError> {
    Ok(PaiRow {
        pai: read_pai(row, "pais.pai")?,
        handle: row.get("handle")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        version: u64::try_from(row.get::<_, i64>("version")?)
            .map_err(|_| inconsistent_row("pais.version"))?,
        is_dark: row.get("is_dark")?,
    })
}

fn insert_pai(
    tx: &Connection,
    now: Timestamp,
    new: &NewPai,
    subscriber_id: &str,
) -> Result<PaiRow, StoreError> {
    let NewPai { partner, fresh, .. } = new;
    tx.prepare_cached(
        "INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
         VALUES (?1, ?2, ?3, 'ACTIVE', 1, ?4)",
    )?
    .execute(params![fresh.pai.to_string(), partner.as_str(), subscriber_id, now.unix_seconds()])?;
    find_pai(tx, partner, fresh.pai)?.ok_or_else(|| missing_row("pais"))
}

const SELECT_PAI_STATUS: &str = "SELECT p.pai, p.partner, p.state, p.closed_reason, p.version, h.handle
    FROM pais p JOIN subscribers h USING (subscriber_id)";

pub(in crate::store) fn find_pai_status(db: &Connection, pai: Pai) -> Result<Option<PaiStatus>, StoreError> {
    let mut select = db.prepare_cached(&format!("{SELECT_PAI_STATUS} WHERE p.pai = ?1"))?;
    let mut rows = select.query([pai.to_string()])?;
    rows.next()?.map(read_pai_status).transpose()
}

pub(in crate::store) fn list_pai_statuses(
    db: &Connection,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<(Pai, PaiStatus)>, StoreError> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let mut select = db.prepare_cached(&format!(
        "{SELECT_PAI_STATUS} WHERE p.pai > ?1 AND p.dark_since IS NULL ORDER BY p.pai LIMIT ?2"
    ))?;
    let mut rows = select.query(params![after, limit])?;
    let mut statuses = Vec::new();
    while let Some(row) = rows.next()? {
        statuses.push((read_pai(row, "pais.pai")?, read_pai_status(row)?));
    }
    Ok(statuses)
}

/// Whether that system charges it from which it was loaded.
pub(in crate::store) fn is_dark(db: &Connection, pai: &str) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM pais WHERE pai = ?1 AND dark_since IS NOT NULL";
    Ok(db.prepare_cached(sql)?.exists([pai])?)
}

pub(in crate::store) fn is_dark_subscription(
    db: &Connection,
    partner: &PartnerId,
    id: &ExtId,
) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT 1 FROM partner_subscriptions s JOIN pais p USING (pai)
             WHERE s.partner_subscription_id = ?1 AND s.partner = ?2 AND p.dark_since IS NOT NULL",
        )?
        .exists([id.as_str(), partner.as_str()])?)
}

fn read_pai_status(row: &Row<'_>) -> Result<PaiStatus, StoreError> {
    Ok(PaiStatus {
        partner: parse_column(row, "pais.partner", PartnerId::parse)?,
        handle: row.get("handle")?,
        state: parse_column(row, "pais.state", PaiState::parse)?,
        closed_reason: parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)?,
        version: u64::try_from(row.get::<_, i64>("version")?)
            .map_err(|_| inconsistent_row("pais.version"))?,
    })
}

pub(in crate::store) fn close_pai(
    tx: &Connection,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
    reason: DeclineReason,
) -> Result<ClosePaiResult, StoreError> {
    if !reason.closes_pai() {
        return Ok(ClosePaiResult::NotAClosingReason);
    }
    let mut select = tx.prepare_cached(
        "SELECT closed_reason, dark_since IS NOT NULL AS is_dark FROM pais WHERE partner = ?1 AND pai = ?2",
    )?;
    let mut rows = select.query(params![partner.as_str(), pai.to_string()])?;
    let Some(row) = rows.next()? else { return Ok(ClosePaiResult::NotFound) };
    if let Some(first) = parse_optional_column(row, "pais.closed_reason", DeclineReason::parse)? {
        return Ok(ClosePaiResult::AlreadyClosed(first));
    }
    if row.get("is_dark")? {
        return Ok(ClosePaiResult::NotCutOver);
    }
    close_pai_row(tx, now, &pai.to_string(), reason)?;
    Ok(ClosePaiResult::Closed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn pais_of_one_subscriber_use_an_index() {
        for step in [OPEN_PAIS_OF_SUBSCRIBER, CANCEL_LIVE].into_iter().flat_map(query_plan) {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
    }
}
