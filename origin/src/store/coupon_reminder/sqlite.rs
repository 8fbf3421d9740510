//! Reminders in SQL.

use crate::store::coupon_reminder::DueReminder;
use crate::store::error::StoreError;
use crate::store::queue::{Job, SmsJob, sqlite as queue};
use crate::store::sqlite::rows::{parse_column, read_locale, read_number};
use onbill_domain::day::Day;
use onbill_domain::ids::OfferId;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The user's days end with this coupon, and they have not subscribed though they could. No one is informed
/// of a dark PAI: it is another system's.
const REMINDABLE: &str = "FROM coupon_redemptions r JOIN coupons c USING (coupon_id)
         JOIN transactions t ON t.transaction_id = r.transaction_id
         JOIN pais p ON p.pai = r.pai JOIN subscribers h USING (subscriber_id)
     WHERE r.outcome = 'REDEEMED' AND r.reminded_at IS NULL
        AND t.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                              WHERE f.transaction_id = t.transaction_id AND f.status = 'APPROVED')
         AND p.state = 'ACTIVE' AND p.dark_since IS NULL
         AND NOT EXISTS (SELECT 1 FROM partner_subscriptions s WHERE s.pai = r.pai AND s.status <> 'CANCELLED')
         AND NOT EXISTS (SELECT 1 FROM coupon_redemptions n JOIN transactions u ON u.transaction_id = n.transaction_id
                         WHERE n.pai = r.pai AND n.outcome <> 'DECLINED' AND n.period_to > r.period_to
                             AND u.amount_minor > (SELECT coalesce(sum(f.amount_minor), 0) FROM refunds f
                                             WHERE f.transaction_id = u.transaction_id AND f.status = 'APPROVED'))";

pub(in crate::store) fn list_due_reminders(
    db: &Connection,
    today: Day,
    ends_by: Day,
    limit: u32,
) -> Result<Vec<DueReminder>, StoreError> {
    let mut select = db.prepare_cached(&format!(
        "SELECT r.transaction_id, r.period_to, c.offer, c.locale, h.number_index, h.number_sealed, h.subscriber_ref
         {REMINDABLE} AND r.period_to BETWEEN ?1 AND ?2 ORDER BY r.period_to LIMIT ?3"
    ))?;
    let mut rows = select.query(params![today.to_string(), ends_by.to_string(), limit])?;
    let mut due = Vec::new();
    while let Some(row) = rows.next()? {
        due.push(DueReminder {
            transaction_id: row.get("transaction_id")?,
            number: read_number(row)?,
            subscriber_ref: row.get("subscriber_ref")?,
            locale: read_locale(row, "coupons.locale")?,
            offer: parse_column(row, "coupons.offer", OfferId::parse)?,
            paid_until: parse_column(row, "coupon_redemptions.period_to", Day::parse)?,
        });
    }
    Ok(due)
}

pub(in crate::store) fn queue_reminder(
    tx: &Connection,
    now: Timestamp,
    transaction_id: &str,
    message: &[u8],
) -> Result<bool, StoreError> {
    let coupon_id: Option<String> = tx
        .prepare_cached(&format!("SELECT r.coupon_id {REMINDABLE} AND r.transaction_id = ?1"))?
        .query_row([transaction_id], |row| row.get(0))
        .optional()?;
    let Some(coupon_id) = coupon_id else { return Ok(false) };
    tx.prepare_cached("UPDATE coupon_redemptions SET reminded_at = ?2 WHERE transaction_id = ?1")?
        .execute(params![transaction_id, now.unix_seconds()])?;
    let reminder = SmsJob::CouponReminder { coupon_id, message: message.to_vec() };
    queue::put(tx, &Job::Sms(reminder), now, 0)?;
    Ok(true)
}
