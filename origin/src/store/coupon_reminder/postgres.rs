//! Reminders in SQL.

use crate::store::coupon_reminder::DueReminder;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_locale, read_number};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, SmsJob, postgres as queue};
use onbill_domain::day::Day;
use onbill_domain::ids::OfferId;
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

/// The user's days end with this coupon, and they have not subscribed though they could. No one is informed
/// of a dark PAI: it is another system's.
const REMINDABLE: &str = "FROM coupon_redemptions r JOIN coupons c ON c.coupon_id = r.coupon_id
         JOIN transactions t ON t.transaction_id = r.transaction_id
         JOIN pais p ON p.pai = r.pai JOIN subscribers h ON h.subscriber_id = p.subscriber_id
     WHERE r.outcome = 'REDEEMED' AND r.reminded_at IS NULL
        AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')
         AND p.state = 'ACTIVE' AND p.dark_since IS NULL
         AND NOT EXISTS (SELECT 1 FROM partner_subscriptions s WHERE s.pai = r.pai AND s.status <> 'CANCELLED')
         AND NOT EXISTS (SELECT 1 FROM coupon_redemptions n JOIN transactions u ON u.transaction_id = n.transaction_id
                         WHERE n.pai = r.pai AND n.outcome <> 'DECLINED' AND n.period_to > r.period_to
                             AND u.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                             WHERE f.transaction_id = u.transaction_id AND f.status = 'APPROVED'))";

pub(in crate::store) async fn list_due_reminders(
    db: &PgConnection<'_>,
    today: Day,
    ends_by: Day,
    limit: u32,
) -> Result<Vec<DueReminder>, TxError> {
    let sql = format!(
        "SELECT r.transaction_id, r.period_to, c.offer, c.locale, h.number_index, h.number_sealed, h.subscriber_ref
         {REMINDABLE} AND r.period_to BETWEEN $1 AND $2 ORDER BY r.period_to LIMIT $3"
    );
    let rows = db.query(&sql, &[&today.to_string(), &ends_by.to_string(), &i64::from(limit)]).await?;
    let read = |row: &Row| {
        Ok(DueReminder {
            transaction_id: row.try_get("transaction_id")?,
            number: read_number(row, "subscribers.number_index")?,
            subscriber_ref: row.try_get("subscriber_ref")?,
            locale: read_locale(row, "coupons.locale")?,
            offer: parse_column(row, "coupons.offer", OfferId::parse)?,
            paid_until: parse_column(row, "coupon_redemptions.period_to", Day::parse)?,
        })
    };
    rows.iter().map(read).collect()
}

pub(in crate::store) async fn queue_reminder(
    tx: &PgConnection<'_>,
    now: Timestamp,
    transaction_id: &str,
    message: &[u8],
) -> Result<bool, TxError> {
    let sql = format!("SELECT r.coupon_id {REMINDABLE} AND r.transaction_id = $1 FOR NO KEY UPDATE OF r, p");
    let Some(row) = tx.query_optional(&sql, &[&transaction_id]).await? else { return Ok(false) };
    tx.execute_one(
        "coupon_redemptions",
        "UPDATE coupon_redemptions SET reminded_at = $2 WHERE transaction_id = $1",
        &[&transaction_id, &now.unix_seconds()],
    )
    .await?;
    let reminder = SmsJob::CouponReminder { coupon_id: row.try_get("coupon_id")?, message: message.to_vec() };
    queue::put(tx, &Job::Sms(reminder), now, 0).await?;
    Ok(true)
}
