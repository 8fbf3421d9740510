//! What becomes of a coupon's text message: that it was sent, and that it is on the phone, in whichever order that is heard.

use super::failure::Broken;
use super::statements::Db;
use crate::store::RECEIPT_SECONDS;
use onbill_domain::timestamp::Timestamp;

/// The message centre has a coupon's text message. Its receipt may have come before this, or come at this moment: who
/// brings it puts a row there as we do, and of two the second waits for the first.
pub(super) async fn sent(
    tx: &Db<'_>,
    now: Timestamp,
    coupon_id: &str,
    message_id: Option<&str>,
) -> Result<(), Broken> {
    tx.change_one(
        "coupon",
        "UPDATE coupons SET sent_at = $2, message_id = $3 WHERE coupon_id = $1",
        &[&coupon_id, &now.unix_seconds(), &message_id],
    )
    .await?;
    let Some(message_id) = message_id else { return Ok(()) };
    if !put_receipt(tx, now, message_id).await? {
        delivered(tx, now, message_id).await?;
    }
    drop_receipt(tx, message_id).await
}

async fn delivered(tx: &Db<'_>, now: Timestamp, message_id: &str) -> Result<u64, Broken> {
    tx.change(
        "UPDATE coupons SET delivered_at = $2 WHERE message_id = $1 AND delivered_at IS NULL",
        &[&message_id, &now.unix_seconds()],
    )
    .await
}

async fn put_receipt(tx: &Db<'_>, now: Timestamp, message_id: &str) -> Result<bool, Broken> {
    let put = tx
        .change(
            "INSERT INTO text_receipts (message_id, received_at) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&message_id, &now.unix_seconds()],
        )
        .await?;
    Ok(put == 1)
}

async fn drop_receipt(tx: &Db<'_>, message_id: &str) -> Result<(), Broken> {
    tx.change("DELETE FROM text_receipts WHERE message_id = $1", &[&message_id]).await?;
    Ok(())
}

pub(super) async fn text_delivered(tx: &Db<'_>, now: Timestamp, message_id: &str) -> Result<(), Broken> {
    put_receipt(tx, now, message_id).await?;
    if delivered(tx, now, message_id).await? > 0 {
        drop_receipt(tx, message_id).await?;
    }
    Ok(())
}

/// Forgets receipts of messages that nobody has asked about.
pub(super) async fn forget_receipts(tx: &Db<'_>, now: Timestamp, limit: i64) -> Result<u64, Broken> {
    tx.change(
        "DELETE FROM text_receipts WHERE message_id IN
             (SELECT message_id FROM text_receipts WHERE received_at <= $1 LIMIT $2)",
        &[&(now.unix_seconds() - RECEIPT_SECONDS), &limit],
    )
    .await
}
