//! Delivery of a coupon's newest SMS in SQL. Sent, delivered and lost may be reported in any order.

use crate::store::coupon_sms::{RECEIPT_SECONDS, ReceiptEffect, SmsReceipt, addressed_pai};
use crate::store::error::missing_row;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::parse_optional_column;
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{JobKind, SettleResult};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;

pub(super) async fn is_coupon_sms_for_dark(
    db: &PgConnection<'_>,
    kind: JobKind,
    coupon_id: &str,
) -> Result<bool, TxError> {
    let pai = addressed_pai(kind);
    let sql = format!(
        "SELECT 1 FROM coupons c JOIN pais p ON p.pai = {pai}
         WHERE c.coupon_id = $1 AND p.dark_since IS NOT NULL"
    );
    Ok(db.query_optional(&sql, &[&coupon_id]).await?.is_some())
}

/// The gateway has the coupon's SMS. Its receipt may have come before, or come at this moment: both
/// insert a row for the message, so that the second waits for the first.
pub(in crate::store) async fn mark_sent(
    tx: &PgConnection<'_>,
    now: Timestamp,
    coupon_id: &str,
    message_id: Option<&str>,
) -> Result<SettleResult, TxError> {
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET sent_at = $2, message_id = $3, undelivered_at = NULL, undelivered_reason = NULL,
             undelivered_code = NULL
         WHERE coupon_id = $1",
        &[&coupon_id, &now.unix_seconds(), &message_id],
    )
    .await?;
    let Some(message_id) = message_id else { return Ok(SettleResult::Written) };
    let is_ours = tx
        .execute(
            "INSERT INTO sms_receipts (message_id, received_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&message_id, &now.unix_seconds()],
        )
        .await?
        == 1;
    let end = take_receipt(tx, message_id).await?;
    if is_ours {
        return Ok(SettleResult::Written);
    }
    match apply_receipt(tx, now, message_id, &end).await? {
        ReceiptEffect::Lost(_) => Ok(SettleResult::Undelivered),
        ReceiptEffect::Unchanged | ReceiptEffect::UnknownMessage => Ok(SettleResult::Written),
    }
}

pub(in crate::store) async fn mark_undelivered(
    tx: &PgConnection<'_>,
    now: Timestamp,
    coupon_id: &str,
    reason: UndeliveredReason,
    code: Option<&str>,
) -> Result<(), TxError> {
    tx.execute_one(
        "coupons",
        "UPDATE coupons SET undelivered_at = $2, undelivered_reason = $3, undelivered_code = $4 WHERE coupon_id = $1",
        &[&coupon_id, &now.unix_seconds(), &reason.as_str(), &code],
    )
    .await
}

/// A receipt that says what is known, or less, changes nothing. One for an unknown message is kept.
pub(in crate::store) async fn record_sms_receipt(
    tx: &PgConnection<'_>,
    now: Timestamp,
    message_id: &str,
    end: &SmsReceipt,
) -> Result<Option<String>, TxError> {
    keep_receipt(tx, now, message_id, end).await?;
    let lost = match apply_receipt(tx, now, message_id, end).await? {
        ReceiptEffect::UnknownMessage => return Ok(None),
        ReceiptEffect::Unchanged => None,
        ReceiptEffect::Lost(coupon_id) => Some(coupon_id),
    };
    take_receipt(tx, message_id).await?;
    Ok(lost)
}

/// A gateway may give a message id again after years, or after a restart: then the SMS that was
/// sent last is meant.
async fn apply_receipt(
    tx: &PgConnection<'_>,
    now: Timestamp,
    message_id: &str,
    end: &SmsReceipt,
) -> Result<ReceiptEffect, TxError> {
    let row = tx
        .query_optional(
            "SELECT coupon_id, undelivered_at IS NULL AS is_hoped_for FROM coupons
             WHERE message_id = $1 AND delivered_at IS NULL ORDER BY sent_at DESC LIMIT 1 FOR UPDATE",
            &[&message_id],
        )
        .await?;
    let Some(row) = row else { return Ok(ReceiptEffect::UnknownMessage) };
    let (coupon_id, is_hoped_for): (String, bool) = (row.try_get("coupon_id")?, row.try_get("is_hoped_for")?);
    match end {
        SmsReceipt::Delivered => {
            tx.execute_one(
                "coupons",
                "UPDATE coupons SET delivered_at = $2, undelivered_at = NULL, undelivered_reason = NULL,
                     undelivered_code = NULL
                 WHERE coupon_id = $1",
                &[&coupon_id, &now.unix_seconds()],
            )
            .await?;
            Ok(ReceiptEffect::Unchanged)
        }
        SmsReceipt::Undelivered { reason, code } if is_hoped_for => {
            mark_undelivered(tx, now, &coupon_id, *reason, code.as_deref()).await?;
            Ok(ReceiptEffect::Lost(coupon_id))
        }
        SmsReceipt::Undelivered { .. } => Ok(ReceiptEffect::Unchanged),
    }
}

async fn keep_receipt(
    tx: &PgConnection<'_>,
    now: Timestamp,
    message_id: &str,
    end: &SmsReceipt,
) -> Result<(), TxError> {
    let (reason, code) = match end {
        SmsReceipt::Delivered => (None, None),
        SmsReceipt::Undelivered { reason, code } => (Some(reason.as_str()), code.as_deref()),
    };
    tx.execute(
        "INSERT INTO sms_receipts (message_id, received_at, reason, code) VALUES ($1, $2, $3, $4)
         ON CONFLICT (message_id) DO UPDATE SET reason = NULL, code = NULL WHERE excluded.reason IS NULL",
        &[&message_id, &now.unix_seconds(), &reason, &code],
    )
    .await?;
    Ok(())
}

async fn take_receipt(tx: &PgConnection<'_>, message_id: &str) -> Result<SmsReceipt, TxError> {
    let row = tx
        .query_optional(
            "DELETE FROM sms_receipts WHERE message_id = $1 RETURNING reason, code",
            &[&message_id],
        )
        .await?
        .ok_or_else(|| missing_row("sms_receipts"))?;
    Ok(match parse_optional_column(&row, "sms_receipts.reason", UndeliveredReason::parse)? {
        None => SmsReceipt::Delivered,
        Some(reason) => SmsReceipt::Undelivered { reason, code: row.try_get("code")? },
    })
}

/// Deletes receipts whose message never became known.
pub(in crate::store) async fn delete_old_receipts(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM sms_receipts WHERE message_id = ANY (ARRAY
             (SELECT message_id FROM sms_receipts WHERE received_at BETWEEN 0 AND $1 ORDER BY received_at LIMIT $2))",
        &[&(now.unix_seconds() - RECEIPT_SECONDS), &limit],
    )
    .await
}
