//! Partners' messages in SQL.

use crate::store::clock_skew::latest_now;
use crate::store::error::StoreError;
use crate::store::notification::{
    NewNotification, NotificationRecipient, PostNotificationResult, TakenBack, UNNAMED_SECONDS,
};
use crate::store::number::Hash;
use crate::store::pai::sqlite as pai;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, SmsJob, sqlite as queue};
use crate::store::sqlite::rows::{parse_column, read_subscriber};
use onbill_domain::day::Day;
use onbill_domain::limits::NOTIFICATIONS_PER_DAY_MAX;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(super) fn post_notification(
    tx: &Connection,
    now: Timestamp,
    new: &NewNotification,
) -> Result<PostNotificationResult, StoreError> {
    let found = pai::find_pai(tx, &new.partner, new.pai)?;
    if found.as_ref().is_some_and(|row| row.is_dark) {
        return Ok(PostNotificationResult::NotCutOver);
    }
    if let Some((name, fingerprint)) = &new.named {
        let known: Option<Option<Hash>> = tx
            .prepare_cached(
                "SELECT fingerprint FROM notifications WHERE partner = ?1 AND ext_notification_id = ?2",
            )?
            .query_row([new.partner.as_str(), name.as_str()], |row| row.get(0))
            .optional()?;
        if let Some(kept) = known {
            // An erased subscriber's message has no fingerprint left to compare: the same id counts
            // as a replay.
            let is_same = kept.is_none_or(|kept| kept == *fingerprint);
            return Ok(if is_same {
                PostNotificationResult::Replayed
            } else {
                PostNotificationResult::Conflict
            });
        }
    }
    if found.is_none_or(|row| row.state == PaiState::Closed) {
        return Ok(PostNotificationResult::PaiNotFound);
    }
    let pai = new.pai.to_string();
    let [since, until] = [Day::of_timestamp(now).starts_at(), latest_now(now)].map(Timestamp::unix_seconds);
    let today: u32 = tx
        .prepare_cached(
            "SELECT count(*) FROM notifications WHERE pai = ?1 AND accepted_at BETWEEN ?2 AND ?3",
        )?
        .query_row(params![pai, since, until], |row| row.get(0))?;
    if today >= NOTIFICATIONS_PER_DAY_MAX {
        return Ok(PostNotificationResult::TooMany);
    }
    queue_notification(tx, now, new, None)?;
    Ok(PostNotificationResult::Accepted)
}

/// Records a message and queues it, whatever else the subscriber has had today. If it takes the place
/// of one that may be on its way, it waits until that attempt has ended: it must arrive after it.
pub(in crate::store) fn queue_notification(
    tx: &Connection,
    now: Timestamp,
    new: &NewNotification,
    replaced: Option<TakenBack>,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO notifications (notification_id, partner, ext_notification_id, fingerprint, pai, accepted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        new.notification_id,
        new.partner.as_str(),
        new.named.as_ref().map(|(name, _)| name.as_str()),
        new.named.as_ref().map(|(_, fingerprint)| fingerprint),
        new.pai.to_string(),
        now.unix_seconds(),
    ])?;
    let (notification_id, message) = (new.notification_id.clone(), new.message.clone());
    let job = Job::Sms(SmsJob::Notification { notification_id, message });
    match replaced {
        Some(TakenBack::Attempted) => queue::put_leased(tx, &job, now, now.plus_seconds(LEASE_SECONDS_MAX)),
        Some(TakenBack::WasNotQueued | TakenBack::Unsent) | None => queue::put(tx, &job, now, 0),
    }
}

/// Removes a message from the queue, also one that waits for another attempt: it would arrive after
/// what takes its place.
pub(in crate::store) fn take_back(tx: &Connection, notification_id: &str) -> Result<TakenBack, StoreError> {
    let attempts: Option<u32> = tx
        .prepare_cached("DELETE FROM outbox WHERE notification_id = ?1 RETURNING attempts")?
        .query_row([notification_id], |row| row.get(0))
        .optional()?;
    match attempts {
        None => Ok(TakenBack::WasNotQueued),
        Some(0) => {
            let sql = "DELETE FROM notifications WHERE notification_id = ?1";
            tx.prepare_cached(sql)?.execute([notification_id])?;
            Ok(TakenBack::Unsent)
        }
        Some(_) => Ok(TakenBack::Attempted),
    }
}

pub(super) fn find_notification_recipient(
    db: &Connection,
    notification_id: &str,
) -> Result<Option<NotificationRecipient>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT n.accepted_at, p.state, p.dark_since IS NOT NULL AS is_dark, h.number_index, h.number_sealed, h.subscriber_ref
         FROM notifications n JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
         WHERE n.notification_id = ?1",
    )?;
    let mut rows = select.query([notification_id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let accepted_at = Timestamp::from_unix_seconds(row.get("accepted_at")?);
    let subscriber = match parse_column(row, "pais.state", PaiState::parse)? {
        PaiState::Closed => None,
        PaiState::Active | PaiState::Suspended => read_subscriber(row)?,
    };
    Ok(Some(NotificationRecipient { accepted_at, subscriber, is_dark: row.get("is_dark")? }))
}

/// Deletes queued messages to an erased subscriber, and the fingerprints of accepted ones.
pub(in crate::store) fn delete_queued_and_fingerprints(
    tx: &Connection,
    subscriber_id: &str,
) -> Result<(), StoreError> {
    for sql in [
        "UPDATE notifications SET fingerprint = NULL
         WHERE pai IN (SELECT pai FROM pais WHERE subscriber_id = ?1)",
        "DELETE FROM outbox WHERE notification_id IN
             (SELECT n.notification_id FROM notifications n JOIN pais p USING (pai) WHERE p.subscriber_id = ?1)",
    ] {
        tx.prepare_cached(sql)?.execute([subscriber_id])?;
    }
    Ok(())
}

/// Deletes messages without an id whose day is over, unless they are still queued.
pub(in crate::store) fn delete_old_unnamed(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM notifications WHERE notification_id IN
             (SELECT n.notification_id FROM notifications n
              WHERE n.ext_notification_id IS NULL AND n.accepted_at <= ?1
                  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.notification_id = n.notification_id) LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds() - UNNAMED_SECONDS, limit])?)
}
