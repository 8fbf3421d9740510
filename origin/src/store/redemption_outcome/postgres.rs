//! Outcomes of redemptions in SQL. Every function that changes one locks the coupon first.

use crate::store::clock_skew::latest_end;
use crate::store::coupon::postgres::{lock_coupon, read_months};
use crate::store::error::{inconsistent_row, missing_row};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, parse_optional_column, read_amount};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{LEASE_SECONDS_MAX, SettleResult};
use crate::store::redemption_outcome::{Redemption, RedemptionOutcome};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;

/// `None` while the first call is being answered. If it never was, this call decides. The coupon is
/// locked.
pub(in crate::store) async fn find_outcome(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
) -> Result<Option<RedemptionOutcome>, TxError> {
    let row = tx
        .query_optional(
            "SELECT outcome = 'PENDING' AND responding_until > $2 AND responding_until <= $3 AS in_progress
             FROM coupon_redemptions WHERE transaction_id = $1",
            &[&transaction_id, &now.unix_seconds(), &latest_end(now, LEASE_SECONDS_MAX).unix_seconds()],
        )
        .await?
        .ok_or_else(|| missing_row("coupon_redemptions"))?;
    if row.try_get("in_progress")? {
        Ok(None)
    } else {
        store_outcome_locked(tx, transaction_id).await.map(Some)
    }
}

/// Stores the outcome that every replay gets: unless the coupon is free again by now, it is spent
/// permanently.
pub(in crate::store) async fn store_outcome(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<RedemptionOutcome, TxError> {
    if let Some(coupon_id) = find_coupon_of_charge(tx, transaction_id).await? {
        lock_coupon(tx, &coupon_id).await?;
    }
    store_outcome_locked(tx, transaction_id).await
}

/// The caller has locked the coupon.
async fn store_outcome_locked(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<RedemptionOutcome, TxError> {
    tx.execute(
        "UPDATE coupon_redemptions SET outcome = 'REDEEMED' WHERE transaction_id = $1 AND outcome = 'PENDING'",
        &[&transaction_id],
    )
    .await?;
    let row = tx
        .query_optional(
            "SELECT r.transaction_id, r.outcome, r.pai, r.period_from, r.period_to, c.plan, c.months, c.offer,
                 c.amount_minor, c.currency, t.decline_reason
             FROM coupon_redemptions r JOIN coupons c ON c.coupon_id = r.coupon_id
                 JOIN transactions t ON t.transaction_id = r.transaction_id
             WHERE r.transaction_id = $1",
            &[&transaction_id],
        )
        .await?
        .ok_or_else(|| missing_row("coupon_redemptions"))?;
    if row.try_get::<_, &str>("outcome")? == "DECLINED" {
        return Ok(RedemptionOutcome::Declined(parse_column(
            &row,
            "transactions.decline_reason",
            DeclineReason::parse,
        )?));
    }
    let (from, to) = (
        parse_column(&row, "coupon_redemptions.period_from", Day::parse)?,
        parse_column(&row, "coupon_redemptions.period_to", Day::parse)?,
    );
    Ok(RedemptionOutcome::Redeemed(Box::new(Redemption {
        transaction_id: row.try_get("transaction_id")?,
        plan: parse_column(&row, "coupons.plan", ExtId::parse)?,
        months: read_months(&row)?,
        offer: parse_column(&row, "coupons.offer", OfferId::parse)?,
        amount: read_amount(&row, "coupons.currency")?,
        pai: parse_optional_column(&row, "coupon_redemptions.pai", Pai::parse)?,
        service_period: ServicePeriod::new(from, to)
            .map_err(|_| inconsistent_row("coupon_redemptions.period_to"))?,
    })))
}

/// The coupon whose redemption has this charge, if there is one.
pub(in crate::store) async fn find_coupon_of_charge(
    db: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<Option<String>, TxError> {
    let row = db
        .query_optional(
            "SELECT coupon_id FROM coupon_redemptions WHERE transaction_id = $1",
            &[&transaction_id],
        )
        .await?;
    row.map(|row| Ok(row.try_get("coupon_id")?)).transpose()
}

/// After a charge was declined: if it is a coupon's, the coupon is free again when the call has not
/// been answered; otherwise it stays spent, and unpaid.
pub(in crate::store) async fn release_coupon(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
) -> Result<SettleResult, TxError> {
    let Some(coupon_id) = find_coupon_of_charge(tx, transaction_id).await? else {
        return Ok(SettleResult::Written);
    };
    lock_coupon(tx, &coupon_id).await?;
    let freed = tx
        .execute(
            "UPDATE coupon_redemptions SET outcome = 'DECLINED' WHERE transaction_id = $1 AND outcome = 'PENDING'",
            &[&transaction_id],
        )
        .await?;
    if freed == 1 {
        tx.execute_one(
            "coupons",
            "UPDATE coupons SET redeemed_at = NULL, transaction_id = NULL WHERE coupon_id = $1",
            &[&coupon_id],
        )
        .await?;
        return Ok(SettleResult::Written);
    }
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET unpaid_at = $2 WHERE coupon_id = $1",
        &[&coupon_id, &now.unix_seconds()],
    )
    .await?;
    Ok(SettleResult::Unpaid)
}
