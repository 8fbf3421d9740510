//! Refunds that wait for a second person, in SQL.

use super::{
    AskRefundResult, AskedBy, DecideRefundResult, NewRefundRequest, REQUEST_COLUMNS, RefundRequestCursor,
    RefundRequestDecision, RefundRequestRow, RefundRequestState,
};
use crate::store::audit::{AuditFact, AuditStamp, postgres as audit};
use crate::store::error::missing_row;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_time};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::currency::Currency;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditOutcome};
use onbill_domain::wire::care::BorneBy;
use tokio_postgres::Row;

pub(super) async fn ask_for_refund(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    new: &NewRefundRequest,
) -> Result<AskRefundResult, TxError> {
    let inserted = tx
        .execute(
            "INSERT INTO refund_requests (request_id, transaction_id, amount_minor, currency, reason, borne_by,
                 reference, asked_by, asked_role, asked_at, state)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'waiting') ON CONFLICT DO NOTHING",
            &[
                &new.request_id,
                &new.transaction_id,
                &new.amount.map(|amount| amount.amount_minor),
                &new.amount.as_ref().map(|amount| amount.currency.as_str()),
                &new.reason,
                &new.borne_by.as_str(),
                &new.reference.as_str(),
                &stamp.actor.as_str(),
                &stamp.role.as_str(),
                &now.unix_seconds(),
            ],
        )
        .await?;
    let result = if inserted == 1 {
        AskRefundResult::Asked
    } else {
        let there = lock_request(tx, &new.request_id).await?;
        there.ok_or_else(|| missing_row("refund_requests"))?.ask_again(new)
    };
    note_decision(tx, now, stamp, AuditAct::RefundAsked, result.audit_outcome(), &new.request_id).await?;
    Ok(result)
}

pub(super) async fn list_open_refund_requests(
    db: &PgConnection<'_>,
    asked: &AskedBy,
    after: &RefundRequestCursor,
    limit: u32,
) -> Result<Vec<RefundRequestRow>, TxError> {
    let sql = format!(
        "SELECT {REQUEST_COLUMNS} FROM refund_requests WHERE state IN ('waiting', 'approved')
             AND (asked_by = $1) = $2 AND (asked_at, request_id) > ($3, $4)
         ORDER BY asked_at, request_id LIMIT $5"
    );
    let (person, are_theirs) = asked.parts();
    let rows = db
        .query(&sql, &[&person, &are_theirs, &after.asked_at, &after.request_id, &i64::from(limit)])
        .await?;
    rows.iter().map(read_request).collect()
}

/// Two decisions about a request follow each other: the second finds the first.
pub(super) async fn decide_refund_request(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    request_id: &str,
    decision: RefundRequestDecision,
) -> Result<DecideRefundResult, TxError> {
    let result = match lock_request(tx, request_id).await? {
        Some(row) => row.decide(&stamp.actor, decision, is_made(tx, request_id).await?),
        None => DecideRefundResult::NotFound,
    };
    if let Some(state) = result.new_state() {
        tx.execute_one(
            "refund_requests",
            "UPDATE refund_requests SET state = $2, decided_by = $3, decided_at = $4 WHERE request_id = $1",
            &[&request_id, &state.as_str(), &stamp.actor.as_str(), &now.unix_seconds()],
        )
        .await?;
    }
    note_decision(tx, now, stamp, decision.audit_act(), result.audit_outcome(), request_id).await?;
    Ok(result)
}

pub(super) async fn end_refund_request(
    tx: &PgConnection<'_>,
    request_id: &str,
    was_posted: bool,
) -> Result<(), TxError> {
    let state = if was_posted { RefundRequestState::Posted } else { RefundRequestState::Failed };
    tx.execute(
        "UPDATE refund_requests SET state = $2 WHERE request_id = $1 AND state = 'approved'",
        &[&request_id, &state.as_str()],
    )
    .await?;
    Ok(())
}

async fn is_made(tx: &PgConnection<'_>, request_id: &str) -> Result<bool, TxError> {
    let made = tx.query_optional("SELECT 1 FROM refunds WHERE refund_id = $1", &[&request_id]).await?;
    Ok(made.is_some())
}

/// Whether a refund with this id is not to be made: its request was rejected before. The lock keeps it from being
/// rejected until the refund is there, which the rejection then finds.
pub(in crate::store) async fn is_rejected(tx: &PgConnection<'_>, refund_id: &str) -> Result<bool, TxError> {
    let sql = "SELECT q.state = 'rejected'
                   AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.refund_id = q.request_id) AS is_rejected
               FROM refund_requests q WHERE q.request_id = $1 FOR SHARE OF q";
    let row = tx.query_optional(sql, &[&refund_id]).await?;
    Ok(row.map(|row| row.try_get("is_rejected")).transpose()?.unwrap_or_default())
}

/// Keeps the request as it is until the transaction ends.
async fn lock_request(tx: &PgConnection<'_>, request_id: &str) -> Result<Option<RefundRequestRow>, TxError> {
    let sql = format!("SELECT {REQUEST_COLUMNS} FROM refund_requests WHERE request_id = $1 FOR UPDATE");
    let row = tx.query_optional(&sql, &[&request_id]).await?;
    row.as_ref().map(read_request).transpose()
}

async fn note_decision(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    act: AuditAct,
    outcome: AuditOutcome,
    request_id: &str,
) -> Result<(), TxError> {
    let fact = AuditFact { act, outcome, subscriber: None, subject: Some(request_id), reason: None };
    audit::append(tx, now, stamp, &fact).await
}

fn read_request(row: &Row) -> Result<RefundRequestRow, TxError> {
    let amount_minor: Option<i64> = row.try_get("amount_minor")?;
    let currency = parse_optional_column(row, "refund_requests.currency", Currency::parse)?;
    Ok(RefundRequestRow {
        request_id: row.try_get("request_id")?,
        transaction_id: row.try_get("transaction_id")?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        amount: amount_minor.zip(currency).map(|(amount_minor, currency)| Money { amount_minor, currency }),
        reason: row.try_get("reason")?,
        borne_by: parse_column(row, "refund_requests.borne_by", BorneBy::parse)?,
        reference: parse_column(row, "refund_requests.reference", ExtId::parse)?,
        asked_by: parse_column(row, "refund_requests.asked_by", ExtId::parse)?,
        asked_role: parse_column(row, "refund_requests.asked_role", ActorRole::parse)?,
        asked_at: read_time(row, "refund_requests.asked_at")?,
        state: parse_column(row, "refund_requests.state", RefundRequestState::parse)?,
        decided_by: parse_optional_column(row, "refund_requests.decided_by", ExtId::parse)?,
    })
}
