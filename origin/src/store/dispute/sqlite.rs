//! Disputes in SQL.

use super::{
    DisputeChange, DisputedCharge, NextWrite, PostDisputeResult, audit_fact, cursor_of, name_dispute,
    plan_change, to_report,
};
use crate::store::audit::{AuditStamp, sqlite as audit};
use crate::store::error::{StoreError, missing_row};
use crate::store::page::{Cursor, Page};
use crate::store::queue::sqlite as queue;
use crate::store::redemption_outcome::sqlite as redemption_outcome;
use crate::store::report::Period;
use crate::store::sqlite::rows::{parse_column, read_amount, read_time};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::dispute::{Dispute, DisputeReason, DisputeState};
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::partner::DisputeStateRequest;
use rusqlite::{Connection, Row, params};

const DISPUTE: &str =
    "SELECT d.dispute_id, d.transaction_id, t.ext_transaction_id, t.partner, t.amount_minor, t.currency,
        d.state, d.reason, d.reference, d.opened_at, d.decided_at
    FROM disputes d JOIN transactions t ON t.transaction_id = d.transaction_id";

pub(super) fn post_dispute(
    tx: &Connection,
    now: Timestamp,
    stamp: &AuditStamp,
    request: &DisputeChange,
) -> Result<PostDisputeResult, StoreError> {
    let charge = find_charge(tx, &request.transaction_id)?;
    let known = find_dispute(tx, &request.dispute_id)?;
    let sql = "SELECT 1 FROM disputes WHERE transaction_id = ?1 AND state = 'open'";
    let another_is_open = tx.prepare_cached(sql)?.exists([&request.transaction_id])?;
    let result = match plan_change(charge.as_ref(), known, another_is_open, request) {
        NextWrite::Insert(reason) => PostDisputeResult::Opened(insert_dispute(tx, now, request, reason)?),
        NextWrite::Update(known, state) => {
            PostDisputeResult::Decided(update_dispute(tx, now, &known, state)?)
        }
        NextWrite::Nothing(result) => result,
    };
    let subject = name_dispute(request);
    audit::append(tx, now, stamp, &audit_fact(request, &result, charge.as_ref(), &subject))?;
    Ok(result)
}

fn find_charge(tx: &Connection, transaction_id: &str) -> Result<Option<DisputedCharge>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT t.status, s.handle, p.dark_since IS NOT NULL AS is_dark
         FROM transactions t JOIN pais p USING (pai) JOIN subscribers s USING (subscriber_id)
         WHERE t.transaction_id = ?1",
    )?;
    let mut rows = select.query([transaction_id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(DisputedCharge {
        status: parse_column(row, "transactions.status", TransactionStatus::parse)?,
        handle: row.get("handle")?,
        is_dark: row.get("is_dark")?,
        is_coupons: redemption_outcome::is_coupon_charge(tx, transaction_id)?,
    }))
}

fn find_dispute(db: &Connection, dispute_id: &str) -> Result<Option<Dispute>, StoreError> {
    let mut select = db.prepare_cached(&format!("{DISPUTE} WHERE d.dispute_id = ?1"))?;
    let mut rows = select.query([dispute_id])?;
    rows.next()?.map(read_dispute).transpose()
}

fn insert_dispute(
    tx: &Connection,
    now: Timestamp,
    change: &DisputeChange,
    reason: DisputeReason,
) -> Result<Dispute, StoreError> {
    tx.prepare_cached(
        "INSERT INTO disputes (dispute_id, transaction_id, reference, reason, state, opened_at)
         VALUES (?1, ?2, ?3, ?4, 'open', ?5)",
    )?
    .execute(params![
        change.dispute_id,
        change.transaction_id,
        change.reference.as_str(),
        reason.as_str(),
        now.unix_seconds(),
    ])?;
    report_dispute(tx, now, &change.dispute_id, reason)
}

fn update_dispute(
    tx: &Connection,
    now: Timestamp,
    known: &Dispute,
    state: DisputeState,
) -> Result<Dispute, StoreError> {
    tx.prepare_cached("UPDATE disputes SET state = ?2, decided_at = ?3 WHERE dispute_id = ?1")?
        .execute(params![known.dispute_id, state.as_str(), now.unix_seconds()])?;
    report_dispute(tx, now, &known.dispute_id, known.reason)
}

/// Reports the dispute to the partner, if it is one of theirs to know, and returns it as it is now.
fn report_dispute(
    tx: &Connection,
    now: Timestamp,
    dispute_id: &str,
    reason: DisputeReason,
) -> Result<Dispute, StoreError> {
    if reason.is_reported() {
        queue::put_dispute_change(tx, now, dispute_id)?;
    }
    find_dispute(tx, dispute_id)?.ok_or_else(|| missing_row("disputes"))
}

fn page_sql(state: Option<DisputeState>) -> String {
    let state = state.map(|state| format!("d.state = '{}' AND ", state.as_str())).unwrap_or_default();
    format!(
        "{DISPUTE} WHERE {state}d.opened_at < ?1 AND (d.opened_at, d.dispute_id) > (?2, ?3)
         ORDER BY d.opened_at, d.dispute_id LIMIT ?4"
    )
}

pub(super) fn list_disputes(
    db: &Connection,
    period: Period,
    state: Option<DisputeState>,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<Dispute>, StoreError> {
    let (at, id) = after.map_or((period.from, ""), |cursor| (cursor.at, &cursor.id));
    let mut select = db.prepare_cached(&page_sql(state))?;
    let mut rows = select.query(params![period.until.unix_seconds(), at.unix_seconds(), id, limit])?;
    let mut disputes = Vec::new();
    while let Some(row) = rows.next()? {
        disputes.push(read_dispute(row)?);
    }
    Ok(Page::of(disputes, limit, cursor_of))
}

/// The index of charge and reference leads to the few disputes of a charge.
fn of_charge_sql() -> String {
    format!("{DISPUTE} WHERE d.transaction_id = ?1 ORDER BY d.opened_at DESC, d.dispute_id LIMIT ?2")
}

pub(super) fn list_disputes_of_charges(
    db: &Connection,
    transactions: &[String],
    limit: u32,
) -> Result<Vec<Dispute>, StoreError> {
    let mut select = db.prepare_cached(&of_charge_sql())?;
    let mut disputes = Vec::new();
    for transaction_id in transactions {
        let mut rows = select.query(params![transaction_id, limit])?;
        while let Some(row) = rows.next()? {
            disputes.push(read_dispute(row)?);
        }
    }
    disputes.sort_by(|a, b| b.opened_at.cmp(&a.opened_at).then_with(|| a.dispute_id.cmp(&b.dispute_id)));
    Ok(disputes)
}

pub(super) fn find_dispute_webhook(
    db: &Connection,
    dispute_id: &str,
) -> Result<Option<(PartnerId, DisputeStateRequest)>, StoreError> {
    Ok(find_dispute(db, dispute_id)?.map(to_report))
}

fn read_dispute(row: &Row<'_>) -> Result<Dispute, StoreError> {
    let decided_at: Option<i64> = row.get("decided_at")?;
    Ok(Dispute {
        dispute_id: row.get("dispute_id")?,
        transaction_id: row.get("transaction_id")?,
        ext_transaction_id: parse_column(row, "transactions.ext_transaction_id", ExtId::parse)?,
        partner: parse_column(row, "transactions.partner", PartnerId::parse)?,
        amount: read_amount(row, "transactions.currency")?,
        state: parse_column(row, "disputes.state", DisputeState::parse)?,
        reason: parse_column(row, "disputes.reason", DisputeReason::parse)?,
        reference: parse_column(row, "disputes.reference", ExtId::parse)?,
        opened_at: read_time(row, "disputes.opened_at")?,
        decided_at: decided_at.map(Timestamp::from_unix_seconds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::query_plan::query_plan;

    #[test]
    fn pages_of_disputes_follow_an_index() {
        let pages = [page_sql(None), page_sql(Some(DisputeState::Open)), of_charge_sql()];
        for step in pages.iter().flat_map(|sql| query_plan(sql)) {
            assert!(!step.starts_with("SCAN"), "{step}");
        }
        for sql in &pages[..2] {
            assert!(query_plan(sql).iter().all(|step| !step.contains("TEMP B-TREE")), "{sql}");
        }
    }
}
