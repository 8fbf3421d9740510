//! Spending in SQL: one row for each subscriber and currency. The rule itself is in
//! [`onbill_domain::spending`].

use crate::store::error::StoreError;
use crate::store::spending::{bounds_of, is_ahead};
use crate::store::sqlite::rows::parse_column;
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::money::Money;
use onbill_domain::spending::{Spending, SpendingLimits};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

/// Counts a charge, or returns the limit that it exceeds.
pub(in crate::store) fn count_charge_against_limits(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
    transaction_id: &str,
    amount: Money,
    limits: &SpendingLimits,
) -> Result<Result<(), DeclineReason>, StoreError> {
    let today = Day::of_timestamp(now);
    let spent = match find_spending(tx, subscriber_id, amount.currency)? {
        None => Spending::zero(today),
        Some(spent) if is_ahead(now, spent.day) => {
            sum_charges(tx, subscriber_id, amount.currency, today, transaction_id)?
        }
        Some(spent) => spent,
    };
    match spent.add_charge(today, amount.amount_minor, limits) {
        Ok(next) => write_spending(tx, subscriber_id, amount.currency, next).map(Ok),
        Err(reason) => Ok(Err(reason)),
    }
}

/// The sums of a day and its month by the ledger, without the charge that is being counted, and without
/// what was given back, by billing here or by another system. What billing has not answered for is not given
/// back yet.
fn sum_charges(
    tx: &Connection,
    subscriber_id: &str,
    currency: Currency,
    day: Day,
    transaction_id: &str,
) -> Result<Spending, StoreError> {
    let [day_begins, day_ends, month_begins, month_ends] = bounds_of(day);
    let mut select = tx.prepare_cached(
        "SELECT coalesce(sum(CASE WHEN created_at >= ?3 AND created_at < ?4 THEN counted END), 0) AS day_minor,
             coalesce(sum(counted), 0) AS month_minor
         FROM (SELECT t.created_at, t.amount_minor - t.refunded_minor + coalesce((SELECT sum(r.amount_minor) FROM refunds r
                   WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING'), 0) AS counted
               FROM pais p JOIN transactions t USING (pai)
               WHERE p.subscriber_id = ?1 AND t.currency = ?2 AND t.status <> 'DECLINED'
                   AND t.created_at >= ?5 AND t.created_at < ?6 AND t.transaction_id <> ?7 AND t.migration_file IS NULL
                   AND NOT EXISTS (SELECT 1 FROM coupon_redemptions c WHERE c.transaction_id = t.transaction_id))",
    )?;
    let values = params![
        subscriber_id,
        currency.as_str(),
        day_begins,
        day_ends,
        month_begins,
        month_ends,
        transaction_id
    ];
    Ok(select.query_row(values, |row| {
        Ok(Spending { day, day_minor: row.get("day_minor")?, month_minor: row.get("month_minor")? })
    })?)
}

/// A declined charge counts no more.
pub(in crate::store) fn release_charge(tx: &Connection, transaction_id: &str) -> Result<(), StoreError> {
    release_amount(tx, transaction_id, None)
}

/// A refunded amount counts no more.
pub(in crate::store) fn release_refund(
    tx: &Connection,
    transaction_id: &str,
    amount_minor: i64,
) -> Result<(), StoreError> {
    release_amount(tx, transaction_id, Some(amount_minor))
}

/// Releases all of a charge, or a part. A coupon's charge never counted, nor did a claim.
fn release_amount(tx: &Connection, transaction_id: &str, part_minor: Option<i64>) -> Result<(), StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT p.subscriber_id, t.currency, t.amount_minor, t.created_at
         FROM transactions t JOIN pais p USING (pai) WHERE t.transaction_id = ?1 AND t.migration_file IS NULL
             AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id)",
    )?;
    let mut rows = select.query([transaction_id])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let (subscriber_id, currency) = (
        row.get::<_, String>("subscriber_id")?,
        parse_column(row, "transactions.currency", Currency::parse)?,
    );
    let amount_minor = part_minor.map_or_else(|| row.get("amount_minor"), Ok)?;
    let day = Day::of_timestamp(Timestamp::from_unix_seconds(row.get("created_at")?));
    match find_spending(tx, &subscriber_id, currency)? {
        Some(spent) => write_spending(tx, &subscriber_id, currency, spent.release(day, amount_minor)),
        None => Ok(()),
    }
}

fn find_spending(
    tx: &Connection,
    subscriber_id: &str,
    currency: Currency,
) -> Result<Option<Spending>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT day, day_minor, month_minor FROM spending WHERE subscriber_id = ?1 AND currency = ?2",
    )?;
    let mut rows = select.query(params![subscriber_id, currency.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Spending {
        day: parse_column(row, "spending.day", Day::parse)?,
        day_minor: row.get("day_minor")?,
        month_minor: row.get("month_minor")?,
    }))
}

fn write_spending(
    tx: &Connection,
    subscriber_id: &str,
    currency: Currency,
    spent: Spending,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO spending (subscriber_id, currency, day, day_minor, month_minor) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (subscriber_id, currency) DO UPDATE
         SET day = excluded.day, day_minor = excluded.day_minor, month_minor = excluded.month_minor",
    )?
    .execute(params![
        subscriber_id,
        currency.as_str(),
        spent.day.to_string(),
        spent.day_minor,
        spent.month_minor
    ])?;
    Ok(())
}
