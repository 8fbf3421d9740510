//! Disputes in SQL. The charge is locked, and by that all disputes of it. Before it its PAI is, so that it is
//! not turned off meanwhile.

use super::{
    DisputeChange, DisputedCharge, NextWrite, PostDisputeResult, audit_fact, cursor_of, name_dispute,
    plan_change, to_report,
};
use crate::store::audit::{AuditStamp, postgres as audit};
use crate::store::error::missing_row;
use crate::store::page::{Cursor, Page};
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_amount, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::postgres as queue;
use crate::store::redemption_outcome::postgres as redemption_outcome;
use crate::store::report::Period;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::dispute::{Dispute, DisputeReason, DisputeState};
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::partner::DisputeStateRequest;
use tokio_postgres::Row;

const DISPUTE: &str =
    "SELECT d.dispute_id, d.transaction_id, t.ext_transaction_id, t.partner, t.amount_minor, t.currency,
        d.state, d.reason, d.reference, d.opened_at, d.decided_at
    FROM disputes d JOIN transactions t ON t.transaction_id = d.transaction_id";

pub(super) async fn post_dispute(
    tx: &PgConnection<'_>,
    now: Timestamp,
    stamp: &AuditStamp,
    request: &DisputeChange,
) -> Result<PostDisputeResult, TxError> {
    // Locked before its disputes are read, so that the second of two calls finds the first.
    let charge = lock_charge(tx, &request.transaction_id).await?;
    let known = find_dispute(tx, &request.dispute_id).await?;
    let sql = "SELECT 1 FROM disputes WHERE transaction_id = $1 AND state = 'open'";
    let another_is_open = tx.query_optional(sql, &[&request.transaction_id]).await?.is_some();
    let result = match plan_change(charge.as_ref(), known, another_is_open, request) {
        NextWrite::Insert(reason) => {
            PostDisputeResult::Opened(insert_dispute(tx, now, request, reason).await?)
        }
        NextWrite::Update(known, state) => {
            PostDisputeResult::Decided(update_dispute(tx, now, &known, state).await?)
        }
        NextWrite::Nothing(result) => result,
    };
    let subject = name_dispute(request);
    audit::append(tx, now, stamp, &audit_fact(request, &result, charge.as_ref(), &subject)).await?;
    Ok(result)
}

async fn lock_charge(tx: &PgConnection<'_>, transaction_id: &str) -> Result<Option<DisputedCharge>, TxError> {
    let which = "(SELECT pai FROM transactions WHERE transaction_id = $1)";
    let is_dark = pai_lock::lock_switch(tx, which, &[&transaction_id]).await?;
    let row = tx
        .query_optional(
            "SELECT t.status, s.handle
             FROM transactions t JOIN pais p USING (pai) JOIN subscribers s USING (subscriber_id)
             WHERE t.transaction_id = $1 FOR UPDATE OF t",
            &[&transaction_id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(DisputedCharge {
        status: parse_column(&row, "transactions.status", TransactionStatus::parse)?,
        handle: row.try_get("handle")?,
        is_dark,
        is_coupons: redemption_outcome::find_coupon_of_charge(tx, transaction_id).await?.is_some(),
    }))
}

async fn find_dispute(db: &PgConnection<'_>, dispute_id: &str) -> Result<Option<Dispute>, TxError> {
    let row = db.query_optional(&format!("{DISPUTE} WHERE d.dispute_id = $1"), &[&dispute_id]).await?;
    row.as_ref().map(read_dispute).transpose()
}

async fn insert_dispute(
    tx: &PgConnection<'_>,
    now: Timestamp,
    change: &DisputeChange,
    reason: DisputeReason,
) -> Result<Dispute, TxError> {
    tx.execute_one(
        "disputes",
        "INSERT INTO disputes (dispute_id, transaction_id, reference, reason, state, opened_at)
         VALUES ($1, $2, $3, $4, 'open', $5)",
        &[
            &change.dispute_id,
            &change.transaction_id,
            &change.reference.as_str(),
            &reason.as_str(),
            &now.unix_seconds(),
        ],
    )
    .await?;
    report_dispute(tx, now, &change.dispute_id, reason).await
}

async fn update_dispute(
    tx: &PgConnection<'_>,
    now: Timestamp,
    known: &Dispute,
    state: DisputeState,
) -> Result<Dispute, TxError> {
    tx.execute_one(
        "disputes",
        "UPDATE disputes SET state = $2, decided_at = $3 WHERE dispute_id = $1",
        &[&known.dispute_id, &state.as_str(), &now.unix_seconds()],
    )
    .await?;
    report_dispute(tx, now, &known.dispute_id, known.reason).await
}

/// Reports the dispute to the partner, if it is one of theirs to know, and returns it as it is now.
async fn report_dispute(
    tx: &PgConnection<'_>,
    now: Timestamp,
    dispute_id: &str,
    reason: DisputeReason,
) -> Result<Dispute, TxError> {
    if reason.is_reported() {
        queue::put_dispute_change(tx, now, dispute_id).await?;
    }
    Ok(find_dispute(tx, dispute_id).await?.ok_or_else(|| missing_row("disputes"))?)
}

pub(super) async fn list_disputes(
    db: &PgConnection<'_>,
    period: Period,
    state: Option<DisputeState>,
    after: Option<&Cursor>,
    limit: u32,
) -> Result<Page<Dispute>, TxError> {
    let (at, id) = after.map_or((period.from, ""), |cursor| (cursor.at, cursor.id.as_str()));
    let state = state.map(|state| format!("d.state = '{}' AND ", state.as_str())).unwrap_or_default();
    let sql = format!(
        "{DISPUTE} WHERE {state}d.opened_at < $1 AND (d.opened_at, d.dispute_id) > ($2, $3)
         ORDER BY d.opened_at, d.dispute_id LIMIT $4"
    );
    let rows =
        db.query(&sql, &[&period.until.unix_seconds(), &at.unix_seconds(), &id, &i64::from(limit)]).await?;
    let disputes = rows.iter().map(read_dispute).collect::<Result<_, _>>()?;
    Ok(Page::of(disputes, limit, cursor_of))
}

pub(super) async fn list_disputes_of_charges(
    db: &PgConnection<'_>,
    transactions: &[String],
    limit: u32,
) -> Result<Vec<Dispute>, TxError> {
    let sql =
        "SELECT d.dispute_id, d.transaction_id, t.ext_transaction_id, t.partner, t.amount_minor, t.currency,
            d.state, d.reason, d.reference, d.opened_at, d.decided_at
        FROM transactions t CROSS JOIN LATERAL
            (SELECT * FROM disputes o WHERE o.transaction_id = t.transaction_id
             ORDER BY o.opened_at DESC, o.dispute_id LIMIT $2) d
        WHERE t.transaction_id = ANY ($1) ORDER BY d.opened_at DESC, d.dispute_id";
    let rows = db.query(sql, &[&transactions.to_vec(), &i64::from(limit)]).await?;
    rows.iter().map(read_dispute).collect()
}

pub(super) async fn find_dispute_webhook(
    db: &PgConnection<'_>,
    dispute_id: &str,
) -> Result<Option<(PartnerId, DisputeStateRequest)>, TxError> {
    Ok(find_dispute(db, dispute_id).await?.map(to_report))
}

fn read_dispute(row: &Row) -> Result<Dispute, TxError> {
    let decided_at: Option<i64> = row.try_get("decided_at")?;
    Ok(Dispute {
        dispute_id: row.try_get("dispute_id")?,
        transaction_id: row.try_get("transaction_id")?,
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
