//! Delivery of a coupon's newest SMS in SQL. Sent, delivered and lost may be reported in any order.

use crate::store::coupon_sms::{RECEIPT_SECONDS, ReceiptEffect, SmsReceipt, addressed_pai};
use crate::store::error::StoreError;
use crate::store::queue::{JobKind, SettleResult};
use crate::store::sqlite::rows::parse_optional_column;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn is_coupon_sms_for_dark(
    db: &Connection,
    kind: JobKind,
    coupon_id: &str,
) -> Result<bool, StoreError> {
    let pai = addressed_pai(kind);
    let sql = format!(
        "SELECT 1 FROM coupons c JOIN pais p ON p.pai = {pai}
         WHERE c.coupon_id = ?1 AND p.dark_since IS NOT NULL"
    );
    Ok(db.prepare_cached(&sql)?.exists([coupon_id])?)
}

/// The gateway has the coupon's SMS. Its receipt may have come before.
pub(in crate::store) fn mark_sent(
    tx: &Connection,
    now: Timestamp,
    coupon_id: &str,
    message_id: Option<&str>,
) -> Result<SettleResult, StoreError> {
    tx.prepare_cached(
        "UPDATE coupons SET sent_at = ?2, message_id = ?3, undelivered_at = NULL, undelivered_reason = NULL,
             undelivered_code = NULL
         WHERE coupon_id = ?1",
    )?
    .execute(params![coupon_id, now.unix_seconds(), message_id])?;
    let Some(message_id) = message_id else { return Ok(SettleResult::Written) };
    let Some(end) = take_receipt(tx, message_id)? else { return Ok(SettleResult::Written) };
    match apply_receipt(tx, now, message_id, &end)? {
        ReceiptEffect::Lost(_) => Ok(SettleResult::Undelivered),
        ReceiptEffect::Unchanged | ReceiptEffect::UnknownMessage => Ok(SettleResult::Written),
    }
}

pub(in crate::store) fn mark_undelivered(
    tx: &Connection,
    now: Timestamp,
    coupon_id: &str,
    reason: UndeliveredReason,
    code: Option<&str>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE coupons SET undelivered_at = ?2, undelivered_reason = ?3, undelivered_code = ?4 WHERE coupon_id = ?1",
    )?
    .execute(params![coupon_id, now.unix_seconds(), reason.as_str(), code])?;
    Ok(())
}

/// A receipt that says what is known, or less, changes nothing. One for an unknown message is kept.
pub(in crate::store) fn record_sms_receipt(
    tx: &Connection,
    now: Timestamp,
    message_id: &str,
    end: &SmsReceipt,
) -> Result<Option<String>, StoreError> {
    match apply_receipt(tx, now, message_id, end)? {
        ReceiptEffect::UnknownMessage => keep_receipt(tx, now, message_id, end)?,
        ReceiptEffect::Unchanged => {}
        ReceiptEffect::Lost(coupon_id) => return Ok(Some(coupon_id)),
    }
    Ok(None)
}

/// A gateway may give a message id again after years, or after a restart: then the SMS that was
/// sent last is meant.
fn apply_receipt(
    tx: &Connection,
    now: Timestamp,
    message_id: &str,
    end: &SmsReceipt,
) -> Result<ReceiptEffect, StoreError> {
    let coupon: Option<(String, bool)> = tx
        .prepare_cached(
            "SELECT coupon_id, undelivered_at IS NULL FROM coupons WHERE message_id = ?1 AND delivered_at IS NULL
             ORDER BY sent_at DESC LIMIT 1",
        )?
        .query_row([message_id], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((coupon_id, is_hoped_for)) = coupon else { return Ok(ReceiptEffect::UnknownMessage) };
    match end {
        SmsReceipt::Delivered => {
            tx.prepare_cached(
                "UPDATE coupons SET delivered_at = ?2, undelivered_at = NULL, undelivered_reason = NULL,
                     undelivered_code = NULL
                 WHERE coupon_id = ?1",
            )?
            .execute(params![coupon_id, now.unix_seconds()])?;
            Ok(ReceiptEffect::Unchanged)
        }
        SmsReceipt::Undelivered { reason, code } if is_hoped_for => {
            mark_undelivered(tx, now, &coupon_id, *reason, code.as_deref())?;
            Ok(ReceiptEffect::Lost(coupon_id))
        }
        SmsReceipt::Undelivered { .. } => Ok(ReceiptEffect::Unchanged),
    }
}

fn keep_receipt(
    tx: &Connection,
    now: Timestamp,
    message_id: &str,
    end: &SmsReceipt,
) -> Result<(), StoreError> {
    let (reason, code) = match end {
        SmsReceipt::Delivered => (None, None),
        SmsReceipt::Undelivered { reason, code } => (Some(reason.as_str()), code.as_deref()),
    };
    tx.prepare_cached(
        "INSERT INTO sms_receipts (message_id, received_at, reason, code) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (message_id) DO UPDATE SET reason = NULL, code = NULL WHERE excluded.reason IS NULL",
    )?
    .execute(params![message_id, now.unix_seconds(), reason, code])?;
    Ok(())
}

fn take_receipt(tx: &Connection, message_id: &str) -> Result<Option<SmsReceipt>, StoreError> {
    let mut delete =
        tx.prepare_cached("DELETE FROM sms_receipts WHERE message_id = ?1 RETURNING reason, code")?;
    let mut rows = delete.query([message_id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(match parse_optional_column(row, "sms_receipts.reason", UndeliveredReason::parse)? {
        None => SmsReceipt::Delivered,
        Some(reason) => SmsReceipt::Undelivered { reason, code: row.get("code")? },
    }))
}

/// Deletes receipts whose message never became known.
pub(in crate::store) fn delete_old_receipts(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM sms_receipts WHERE message_id IN
             (SELECT message_id FROM sms_receipts WHERE received_at <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds() - RECEIPT_SECONDS, limit])?)
}
