//! Partners' messages in SQL. Accepting one locks its PAI, so that two at once cannot both be the
//! last of the day.

use crate::store::clock_skew::latest_now;
use crate::store::notification::{
    NewNotification, NotificationRecipient, PostNotificationResult, TakenBack, UNNAMED_SECONDS,
};
use crate::store::pai::postgres_lock as pai_lock;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::rows::{parse_column, read_count, read_subscriber, read_time};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, LEASE_SECONDS_MAX, SmsJob, postgres as queue};
use onbill_domain::day::Day;
use onbill_domain::limits::NOTIFICATIONS_PER_DAY_MAX;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;

pub(super) async fn post_notification(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewNotification,
) -> Result<PostNotificationResult, TxError> {
    // Before the id is looked up: the same call may be accepting it at this moment.
    let locked = pai_lock::lock_pai(tx, &new.partner, new.pai).await?;
    if locked.is_some_and(|pai| pai.is_dark) {
        return Ok(PostNotificationResult::NotCutOver);
    }
    if let Some((name, fingerprint)) = &new.named {
        let known = tx
            .query_optional(
                "SELECT fingerprint FROM notifications WHERE partner = $1 AND ext_notification_id = $2",
                &[&new.partner.as_str(), &name.as_str()],
            )
            .await?;
        if let Some(row) = known {
            let kept: Option<&[u8]> = row.try_get("fingerprint")?;
            let is_same = kept.is_none_or(|kept| kept == fingerprint);
            return Ok(if is_same {
                PostNotificationResult::Replayed
            } else {
                PostNotificationResult::Conflict
            });
        }
    }
    if !matches!(locked.map(|pai| pai.state), Some(PaiState::Active | PaiState::Suspended)) {
        return Ok(PostNotificationResult::PaiNotFound);
    }
    let pai = new.pai.to_string();
    let [since, until] = [Day::of_timestamp(now).starts_at(), latest_now(now)].map(Timestamp::unix_seconds);
    let today = tx
        .query_optional(
            "SELECT count(*) AS today FROM notifications WHERE pai = $1 AND accepted_at BETWEEN $2 AND $3",
            &[&pai, &since, &until],
        )
        .await?;
    if today.as_ref().map(|row| read_count(row, "notifications.today")).transpose()?
        >= Some(NOTIFICATIONS_PER_DAY_MAX)
    {
        return Ok(PostNotificationResult::TooMany);
    }
    queue_notification(tx, now, new, None).await?;
    Ok(PostNotificationResult::Accepted)
}

/// Records a message and queues it, whatever else the subscriber has had today. If it takes the place
/// of one that may be on its way, it waits until that attempt has ended: it must arrive after it. The
/// same id for another PAI at the same moment violates the unique index here, and the use case starts
/// again.
pub(in crate::store) async fn queue_notification(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewNotification,
    replaced: Option<TakenBack>,
) -> Result<(), TxError> {
    tx.execute_one(
        "notifications",
        "INSERT INTO notifications (notification_id, partner, ext_notification_id, fingerprint, pai, accepted_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &new.notification_id,
            &new.partner.as_str(),
            &new.named.as_ref().map(|(name, _)| name.as_str()),
            &new.named.as_ref().map(|(_, fingerprint)| fingerprint.as_slice()),
            &new.pai.to_string(),
            &now.unix_seconds(),
        ],
    )
    .await?;
    let (notification_id, message) = (new.notification_id.clone(), new.message.clone());
    let job = Job::Sms(SmsJob::Notification { notification_id, message });
    match replaced {
        Some(TakenBack::Attempted) => {
            queue::put_leased(tx, &job, now, now.plus_seconds(LEASE_SECONDS_MAX)).await
        }
        Some(TakenBack::WasNotQueued | TakenBack::Unsent) | None => queue::put(tx, &job, now, 0).await,
    }
}

/// Removes a message from the queue, also one that waits for another attempt: it would arrive after
/// what takes its place.
pub(in crate::store) async fn take_back(
    tx: &PgConnection<'_>,
    notification_id: &str,
) -> Result<TakenBack, TxError> {
    let sql = "DELETE FROM outbox WHERE notification_id = $1 RETURNING attempts";
    let row = tx.query_optional(sql, &[&notification_id]).await?;
    match row.as_ref().map(|row| read_count(row, "outbox.attempts")).transpose()? {
        None => Ok(TakenBack::WasNotQueued),
        Some(0) => {
            let sql = "DELETE FROM notifications WHERE notification_id = $1";
            tx.execute(sql, &[&notification_id]).await?;
            Ok(TakenBack::Unsent)
        }
        Some(_) => Ok(TakenBack::Attempted),
    }
}

pub(super) async fn find_notification_recipient(
    db: &PgConnection<'_>,
    notification_id: &str,
) -> Result<Option<NotificationRecipient>, TxError> {
    let row = db
        .query_optional(
            "SELECT n.accepted_at, p.state, p.dark_since IS NOT NULL AS is_dark, h.number_index, h.number_sealed, h.subscriber_ref
             FROM notifications n JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
             WHERE n.notification_id = $1",
            &[&notification_id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let subscriber = match parse_column(&row, "pais.state", PaiState::parse)? {
        PaiState::Closed => None,
        PaiState::Active | PaiState::Suspended => read_subscriber(&row)?,
    };
    Ok(Some(NotificationRecipient {
        accepted_at: read_time(&row, "notifications.accepted_at")?,
        subscriber,
        is_dark: row.try_get("is_dark")?,
    }))
}

/// Deletes queued messages to erased subscribers, and the fingerprints of accepted ones.
/// Their PAIs are closed by now, so no more are accepted.
pub(in crate::store) async fn delete_queued_and_fingerprints(
    tx: &PgConnection<'_>,
    subscribers: &[&str],
) -> Result<(), TxError> {
    for change in ["UPDATE notifications SET fingerprint = NULL", "DELETE FROM outbox"] {
        // Looked up for each PAI, and then by id: PostgreSQL would else read all notifications.
        let sql = format!(
            "{change} WHERE notification_id = ANY (ARRAY
                 (SELECT n.notification_id FROM pais p CROSS JOIN LATERAL
                     (SELECT l.notification_id FROM notifications l WHERE l.pai = p.pai OFFSET 0) n
                  WHERE p.subscriber_id = ANY ($1)))"
        );
        tx.execute(&sql, &[&subscribers]).await?;
    }
    Ok(())
}

/// Deletes messages without an id whose day is over, unless they are still queued.
pub(in crate::store) async fn delete_old_unnamed(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM notifications WHERE notification_id = ANY (ARRAY
             (SELECT n.notification_id FROM notifications n
              WHERE n.ext_notification_id IS NULL AND n.accepted_at <= $1
                  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.notification_id = n.notification_id OFFSET 0)
              ORDER BY n.accepted_at LIMIT $2))",
        &[&(now.unix_seconds() - UNNAMED_SECONDS), &limit],
    )
    .await
}
