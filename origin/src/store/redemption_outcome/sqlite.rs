//! Outcomes of redemptions in SQL.

use crate::store::clock_skew::latest_end;
use crate::store::error::{StoreError, inconsistent_row, missing_row};
use crate::store::queue::{LEASE_SECONDS_MAX, SettleResult};
use crate::store::redemption_outcome::{Redemption, RedemptionOutcome};
use crate::store::sqlite::rows::{parse_column, parse_optional_column, read_amount};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

/// `None` while the first call is being answered. If it never was, this call decides.
pub(in crate::store) fn find_outcome(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
) -> Result<Option<RedemptionOutcome>, StoreError> {
    let in_progress: bool = tx
        .prepare_cached(
            "SELECT outcome = 'PENDING' AND responding_until > ?2 AND responding_until <= ?3
             FROM coupon_redemptions WHERE transaction_id = ?1",
        )?
        .query_row(
            params![transaction_id, now.unix_seconds(), latest_end(now, LEASE_SECONDS_MAX).unix_seconds()],
            |row| row.get(0),
        )?;
    if in_progress { Ok(None) } else { store_outcome(tx, transaction_id).map(Some) }
}

/// Stores the outcome that every replay gets: unless the coupon is free again by now, it is spent
/// permanently.
pub(in crate::store) fn store_outcome(
    tx: &Connection,
    transaction_id: &str,
) -> Result<RedemptionOutcome, StoreError> {
    tx.prepare_cached(
        "UPDATE coupon_redemptions SET outcome = 'REDEEMED' WHERE transaction_id = ?1 AND outcome = 'PENDING'",
    )?
    .execute([transaction_id])?;
    let mut select = tx.prepare_cached(
        "SELECT r.transaction_id, r.outcome, r.pai, r.period_from, r.period_to, c.plan, c.months, c.offer,
             c.amount_minor, c.currency, t.decline_reason
         FROM coupon_redemptions r JOIN coupons c USING (coupon_id)
             JOIN transactions t ON t.transaction_id = r.transaction_id
         WHERE r.transaction_id = ?1",
    )?;
    let mut rows = select.query([transaction_id])?;
    let row = rows.next()?.ok_or_else(|| missing_row("coupon_redemptions"))?;
    if row.get_ref("outcome")?.as_str().map_err(|_| inconsistent_row("coupon_redemptions.outcome"))?
        == "DECLINED"
    {
        return Ok(RedemptionOutcome::Declined(parse_column(
            row,
            "transactions.decline_reason",
            DeclineReason::parse,
        )?));
    }
    Ok(RedemptionOutcome::Redeemed(Box::new(Redemption {
        transaction_id: row.get("transaction_id")?,
        plan: parse_column(row, "coupons.plan", ExtId::parse)?,
        months: row.get("months")?,
        offer: parse_column(row, "coupons.offer", OfferId::parse)?,
        amount: read_amount(row, "coupons.currency")?,
        pai: parse_optional_column(row, "coupon_redemptions.pai", Pai::parse)?,
        service_period: read_period(row)?,
    })))
}

fn read_period(row: &Row<'_>) -> Result<ServicePeriod, StoreError> {
    let (from, to) = (
        parse_column(row, "coupon_redemptions.period_from", Day::parse)?,
        parse_column(row, "coupon_redemptions.period_to", Day::parse)?,
    );
    ServicePeriod::new(from, to).map_err(|_| inconsistent_row("coupon_redemptions.period_to"))
}

/// After a charge was declined: if it is a coupon's, the coupon is free again when the call has not
/// been answered; otherwise it stays spent, and unpaid.
pub(in crate::store) fn release_coupon(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
) -> Result<SettleResult, StoreError> {
    let redemption: Option<(String, String)> = tx
        .prepare_cached("SELECT coupon_id, outcome FROM coupon_redemptions WHERE transaction_id = ?1")?
        .query_row([transaction_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((coupon_id, outcome)) = redemption else { return Ok(SettleResult::Written) };
    if outcome == "PENDING" {
        tx.prepare_cached("UPDATE coupon_redemptions SET outcome = 'DECLINED' WHERE transaction_id = ?1")?
            .execute([transaction_id])?;
        tx.prepare_cached(
            "UPDATE coupons SET redeemed_at = NULL, transaction_id = NULL WHERE coupon_id = ?1",
        )?
        .execute([coupon_id])?;
        return Ok(SettleResult::Written);
    }
    tx.prepare_cached("UPDATE coupons SET unpaid_at = ?2 WHERE coupon_id = ?1")?
        .execute(params![coupon_id, now.unix_seconds()])?;
    Ok(SettleResult::Unpaid)
}

pub(in crate::store) fn is_coupon_charge(db: &Connection, transaction_id: &str) -> Result<bool, StoreError> {
    Ok(db
        .prepare_cached("SELECT 1 FROM coupon_redemptions WHERE transaction_id = ?1")?
        .exists([transaction_id])?)
}
