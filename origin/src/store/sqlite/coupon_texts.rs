//! What becomes of a coupon's text message: that it was sent, and that it is on the phone, in whichever order that is heard.

use crate::store::{RECEIPT_SECONDS, StoreError};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, params};

/// The message centre has a coupon's text message. Its receipt may have come before this.
pub(super) fn sent(
    tx: &Connection,
    now: Timestamp,
    coupon_id: &str,
    message_id: Option<&str>,
) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE coupons SET sent_at = ?2, message_id = ?3 WHERE coupon_id = ?1")?
        .execute(params![coupon_id, now.unix_seconds(), message_id])?;
    if let Some(message_id) = message_id
        && tx.prepare_cached("DELETE FROM text_receipts WHERE message_id = ?1")?.execute([message_id])? > 0
    {
        delivered(tx, now, message_id)?;
    }
    Ok(())
}

fn delivered(tx: &Connection, now: Timestamp, message_id: &str) -> Result<usize, StoreError> {
    Ok(tx
        .prepare_cached(
            "UPDATE coupons SET delivered_at = ?2 WHERE message_id = ?1 AND delivered_at IS NULL",
        )?
        .execute(params![message_id, now.unix_seconds()])?)
}

pub(super) fn text_delivered(tx: &Connection, now: Timestamp, message_id: &str) -> Result<(), StoreError> {
    if delivered(tx, now, message_id)? == 0 {
        tx.prepare_cached(
            "INSERT INTO text_receipts (message_id, received_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
        )?
        .execute(params![message_id, now.unix_seconds()])?;
    }
    Ok(())
}

/// Forgets receipts of messages that nobody has asked about.
pub(super) fn forget_receipts(tx: &Connection, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM text_receipts WHERE message_id IN
             (SELECT message_id FROM text_receipts WHERE received_at <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds() - RECEIPT_SECONDS, limit])?)
}
