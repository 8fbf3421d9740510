//! Spending in SQL: one row for each subscriber and currency. It is locked after the charge, so
//! that the second of two charges at once sees what the first has taken.

use crate::store::error::missing_row;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::spending::{bounds_of, is_ahead};
use onbill_domain::currency::Currency;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::money::Money;
use onbill_domain::spending::{Spending, SpendingLimits};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

/// The spending with this charge, to be written by [`write_spending()`], or the limit that it
/// exceeds. The row is locked, and inserted first if it is missing.
pub(in crate::store) async fn count_charge_against_limits(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
    transaction_id: &str,
    amount: Money,
    limits: &SpendingLimits,
) -> Result<Result<Spending, DeclineReason>, TxError> {
    let today = Day::of_timestamp(now);
    let row = tx
        .query_optional(
            "INSERT INTO spending (subscriber_id, currency, day, day_minor, month_minor) VALUES ($1, $2, $3, 0, 0)
             ON CONFLICT (subscriber_id, currency) DO UPDATE SET day = spending.day
             RETURNING day, day_minor, month_minor",
            &[&subscriber_id, &amount.currency.as_str(), &today.to_string()],
        )
        .await?;
    let spent = match row.as_ref().map(read_spending).transpose()? {
        None => Spending::zero(today),
        Some(spent) if is_ahead(now, spent.day) => {
            sum_charges(tx, subscriber_id, amount.currency, today, transaction_id).await?
        }
        Some(spent) => spent,
    };
    Ok(spent.add_charge(today, amount.amount_minor, limits))
}

/// The sums of a day and its month by the ledger, without the charge that is being counted, and without
/// what was given back, by billing here or by another system. What billing has not answered for is not given
/// back yet. The caller has locked the row.
async fn sum_charges(
    tx: &PgConnection<'_>,
    subscriber_id: &str,
    currency: Currency,
    day: Day,
    transaction_id: &str,
) -> Result<Spending, TxError> {
    let [day_begins, day_ends, month_begins, month_ends] = bounds_of(day);
    let row = tx
        .query_optional(
            "SELECT CAST(coalesce(sum(CASE WHEN created_at >= $3 AND created_at < $4 THEN counted END), 0) AS BIGINT)
                 AS day_minor, CAST(coalesce(sum(counted), 0) AS BIGINT) AS month_minor
             FROM (SELECT t.created_at, t.amount_minor - t.refunded_minor + coalesce((SELECT sum(r.amount_minor) FROM refunds r
                       WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING'), 0) AS counted
                   FROM pais p JOIN transactions t USING (pai)
                   WHERE p.subscriber_id = $1 AND t.currency = $2 AND t.status <> 'DECLINED'
                       AND t.created_at >= $5 AND t.created_at < $6 AND t.transaction_id <> $7 AND t.migration_file IS NULL
                       AND NOT EXISTS (SELECT 1 FROM coupon_redemptions c WHERE c.transaction_id = t.transaction_id)
                  ) AS charges",
            &[
                &subscriber_id,
                &currency.as_str(),
                &day_begins,
                &day_ends,
                &month_begins,
                &month_ends,
                &transaction_id,
            ],
        )
        .await?
        .ok_or_else(|| missing_row("transactions"))?;
    Ok(Spending { day, day_minor: row.try_get("day_minor")?, month_minor: row.try_get("month_minor")? })
}

/// A declined charge counts no more.
pub(in crate::store) async fn release_charge(
    tx: &PgConnection<'_>,
    transaction_id: &str,
) -> Result<(), TxError> {
    release_amount(tx, transaction_id, None).await
}

/// Releases the refunded amounts of several charges, one after the other, as two may be of one account. What
/// their accounts have spent is locked before, in the order in which everyone locks several.
pub(in crate::store) async fn release_refunds(
    tx: &PgConnection<'_>,
    refunds: &[(String, i64)],
) -> Result<(), TxError> {
    if refunds.is_empty() {
        return Ok(());
    }
    let charges: Vec<&str> = refunds.iter().map(|(transaction_id, _)| transaction_id.as_str()).collect();
    let sql = "SELECT 1 FROM transactions t JOIN pais p USING (pai)
             JOIN spending s ON s.subscriber_id = p.subscriber_id AND s.currency = t.currency
         WHERE t.transaction_id = ANY ($1) ORDER BY s.subscriber_id, s.currency FOR UPDATE OF s";
    tx.query(sql, &[&charges]).await?;
    for (transaction_id, amount_minor) in refunds {
        release_refund(tx, transaction_id, *amount_minor).await?;
    }
    Ok(())
}

/// A refunded amount counts no more.
pub(in crate::store) async fn release_refund(
    tx: &PgConnection<'_>,
    transaction_id: &str,
    amount_minor: i64,
) -> Result<(), TxError> {
    release_amount(tx, transaction_id, Some(amount_minor)).await
}

/// Releases all of a charge, or a part. A coupon's charge never counted, nor did a claim.
async fn release_amount(
    tx: &PgConnection<'_>,
    transaction_id: &str,
    part_minor: Option<i64>,
) -> Result<(), TxError> {
    let row = tx
        .query_optional(
            "SELECT s.subscriber_id, s.currency, s.day, s.day_minor, s.month_minor, t.amount_minor, t.created_at
             FROM transactions t JOIN pais p USING (pai)
                 JOIN spending s ON s.subscriber_id = p.subscriber_id AND s.currency = t.currency
             WHERE t.transaction_id = $1 AND t.migration_file IS NULL
                 AND NOT EXISTS (SELECT 1 FROM coupon_redemptions r WHERE r.transaction_id = t.transaction_id)
             FOR UPDATE OF s",
            &[&transaction_id],
        )
        .await?;
    let Some(row) = row else { return Ok(()) };
    let amount_minor = part_minor.map_or_else(|| row.try_get("amount_minor"), Ok)?;
    let day = Day::of_timestamp(read_time(&row, "transactions.created_at")?);
    let currency = parse_column(&row, "spending.currency", Currency::parse)?;
    write_spending(
        tx,
        row.try_get("subscriber_id")?,
        currency,
        read_spending(&row)?.release(day, amount_minor),
    )
    .await
}

fn read_spending(row: &Row) -> Result<Spending, TxError> {
    Ok(Spending {
        day: parse_column(row, "spending.day", Day::parse)?,
        day_minor: row.try_get("day_minor")?,
        month_minor: row.try_get("month_minor")?,
    })
}

/// The caller has locked the row.
pub(in crate::store) async fn write_spending(
    tx: &PgConnection<'_>,
    subscriber_id: &str,
    currency: Currency,
    spent: Spending,
) -> Result<(), TxError> {
    tx.execute_one(
        "spending",
        "UPDATE spending SET day = $3, day_minor = $4, month_minor = $5 WHERE subscriber_id = $1 AND currency = $2",
        &[
            &subscriber_id,
            &currency.as_str(),
            &spent.day.to_string(),
            &spent.day_minor,
            &spent.month_minor,
        ],
    )
    .await
}
