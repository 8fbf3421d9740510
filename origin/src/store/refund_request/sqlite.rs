//! Refunds that wait for a second person, in SQL.

use super::{
    AskRefundResult, AskedBy, DecideRefundResult, NewRefundRequest, REQUEST_COLUMNS, RefundRequestCursor,
    RefundRequestDecision, RefundRequestRow, RefundRequestState,
};
use crate::store::audit::{AuditFact, AuditStamp, sqlite as audit};
use crate::store::error::{StoreError, missing_row};
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_time};
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditOutcome};
use onbill_domain::wire::care::BorneBy;
use rusqlite::{Connection, Row, params};

pub(super) fn ask_for_refund(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    new: &NewRefundRequest,
) -> Result<AskRefundResult, StoreError> {
    let mut insert = tx.prepare_cached(
        "INSERT INTO refund_requests (request_id, transaction_id, amount_minor, currency, reason, borne_by, reference,
             asked_by, asked_role, asked_at, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'waiting') ON CONFLICT DO NOTHING",
    )?;
    let inserted = insert.execute(params![
        new.request_id,
        new.transaction_id,
        new.amount.map(|amount| amount.amount_minor),
        new.amount.as_ref().map(|amount| amount.currency.as_str()),
        new.reason,
        new.borne_by.as_str(),
        new.reference.as_str(),
        stamp.actor.as_str(),
        stamp.role.as_str(),
        now.unix_seconds(),
    ])?;
    let result = if inserted == 1 {
        AskRefundResult::Asked
    } else {
        let there = find_request(tx, &new.request_id)?;
        there.ok_or_else(|| missing_row("refund_requests"))?.ask_again(new)
    };
    note_decision(tx, now, stamp, AuditAct::RefundAsked, result.audit_outcome(), &new.request_id)?;
    Ok(result)
}

pub(super) fn list_open_refund_requests(
    db: &Connection,
    asked: &AskedBy,
    after: &RefundRequestCursor,
    limit: u32,
) -> Result<Vec<RefundRequestRow>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT {REQUEST_COLUMNS} FROM refund_requests WHERE state IN ('waiting', 'approved')
             AND (asked_by = ?1) = ?2 AND (asked_at, request_id) > (?3, ?4)
         ORDER BY asked_at, request_id LIMIT ?5"
    ))?;
    let (person, are_theirs) = asked.parts();
    let mut rows = select.query(params![person, are_theirs, after.asked_at, after.request_id, limit])?;
    let mut requests = Vec::new();
    while let Some(row) = rows.next()? {
        requests.push(read_request(row)?);
    }
    Ok(requests)
}

pub(super) fn decide_refund_request(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    request_id: &str,
    decision: RefundRequestDecision,
) -> Result<DecideRefundResult, StoreError> {
    let result = match find_request(tx, request_id)? {
        Some(row) => row.decide(&stamp.actor, decision, is_made(tx, request_id)?),
        None => DecideRefundResult::NotFound,
    };
    if let Some(state) = result.new_state() {
        tx.prepare_cached(
            "UPDATE refund_requests SET state = ?2, decided_by = ?3, decided_at = ?4 WHERE request_id = ?1",
        )?
        .execute(params![request_id, state.as_str(), stamp.actor.as_str(), now.unix_seconds()])?;
    }
    note_decision(tx, now, stamp, decision.audit_act(), result.audit_outcome(), request_id)?;
    Ok(result)
}

pub(super) fn end_refund_request(
    tx: &Connection,
    request_id: &str,
    was_posted: bool,
) -> Result<(), StoreError> {
    let state = if was_posted { RefundRequestState::Posted } else { RefundRequestState::Failed };
    tx.prepare_cached("UPDATE refund_requests SET state = ?2 WHERE request_id = ?1 AND state = 'approved'")?
        .execute(params![request_id, state.as_str()])?;
    Ok(())
}

fn is_made(tx: &Connection, request_id: &str) -> Result<bool, StoreError> {
    Ok(tx.prepare_cached("SELECT 1 FROM refunds WHERE refund_id = ?1")?.exists([request_id])?)
}

/// Whether a refund with this id is not to be made: its request was rejected before.
pub(in crate::store) fn is_rejected(tx: &Connection, refund_id: &str) -> Result<bool, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT 1 FROM refund_requests q WHERE q.request_id = ?1 AND q.state = 'rejected'
             AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.refund_id = q.request_id)",
    )?;
    Ok(select.exists([refund_id])?)
}

fn find_request(db: &Connection, request_id: &str) -> Result<Option<RefundRequestRow>, StoreError> {
    let mut select =
        db.prepare_cached(&format!("SELECT {REQUEST_COLUMNS} FROM refund_requests WHERE request_id = ?1"))?;
    let mut rows = select.query([request_id])?;
    rows.next()?.map(read_request).transpose()
}

fn note_decision(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    act: AuditAct,
    outcome: AuditOutcome,
    request_id: &str,
) -> Result<(), StoreError> {
    let fact = AuditFact { act, outcome, subscriber: None, subject: Some(request_id), reason: None };
    audit::append(tx, now, stamp, &fact)
}

fn read_request(row: &Row<'_>) -> Result<RefundRequestRow, StoreError> {
    let amount_minor: Option<i64> = row.get("amount_minor")?;
    let currency = parse_optional_column(row, "refund_requests.currency", Currency::parse)?;
    Ok(RefundRequestRow {
        request_id: row.get("request_id")?,
        transaction_id: row.get("transaction_id")?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        amount: amount_minor.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }),
        reason: row.get("reason")?,
        borne_by: parse_column(row, "refund_requests.borne_by", BorneBy::parse)?,
        reference: parse_column(row, "refund_requests.reference", ExtId::parse)?,
        asked_by: parse_column(row, "refund_requests.asked_by", ExtId::parse)?,
        asked_role: parse_column(row, "refund_requests.asked_role", ActorRole::parse)?,
        asked_at: read_time(row, "refund_requests.asked_at")?,
        state: parse_column(row, "refund_requests.state", RefundRequestState::parse)?,
        decided_by: parse_optional_column(row, "refund_requests.decided_by", ExtId::parse)?,
    })
}
