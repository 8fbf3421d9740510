//! Messages of partners to subscribers. Whoever takes one has locked its PAI, so that two at once do not both find the last
//! of the day free.

use crate::store::notification::{Addressee, NewNotification, Notifying, UNNAMED_SECONDS};
use crate::store::pai::postgres as pai;
use crate::store::postgres::failure::Broken;
use crate::store::postgres::rows::{count, holder, text, time};
use crate::store::postgres::statements::Db;
use onbill_domain::day::Day;
use onbill_domain::limits::NOTIFICATIONS_PER_DAY_MAX;
use onbill_domain::pai::PaiState;
use onbill_domain::timestamp::Timestamp;

pub(super) async fn notify(tx: &Db<'_>, now: Timestamp, new: &NewNotification) -> Result<Notifying, Broken> {
    // Before its name is looked for: the same call may have taken it, and the last of the day, until now.
    let state = pai::lock(tx, &new.partner, new.pai).await?;
    if let Some((name, fingerprint)) = &new.named {
        let known = tx
            .row(
                "SELECT fingerprint FROM notifications WHERE partner = $1 AND ext_notification_id = $2",
                &[&new.partner.as_str(), &name.as_str()],
            )
            .await?;
        if let Some(row) = known {
            let kept: Option<&[u8]> = row.try_get("fingerprint")?;
            let is_same = kept.is_none_or(|kept| kept == fingerprint);
            return Ok(if is_same { Notifying::Replayed } else { Notifying::Conflict });
        }
    }
    if !matches!(state, Some(PaiState::Active | PaiState::Suspended)) {
        return Ok(Notifying::PaiNotFound);
    }
    let pai = new.pai.to_string();
    let today = tx
        .row(
            "SELECT count(*) AS today FROM notifications WHERE pai = $1 AND accepted_at >= $2",
            &[&pai, &Day::of_timestamp(now).starts_at().unix_seconds()],
        )
        .await?;
    if today.as_ref().map(|row| count(row, "today")).transpose()? >= Some(NOTIFICATIONS_PER_DAY_MAX) {
        return Ok(Notifying::TooMany);
    }
    // A name that is taken at this moment, for somebody else, is waited for; then this is done again, and finds it.
    tx.change_one(
        "notification",
        "INSERT INTO notifications (notification_id, partner, ext_notification_id, fingerprint, pai, accepted_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &new.notification_id,
            &new.partner.as_str(),
            &new.named.as_ref().map(|(name, _)| name.as_str()),
            &new.named.as_ref().map(|(_, fingerprint)| fingerprint.as_slice()),
            &pai,
            &now.unix_seconds(),
        ],
    )
    .await?;
    tx.change_one(
        "outbox entry",
        "INSERT INTO outbox (kind, notification_id, payload, due_at, attempts)
         VALUES ('notification', $1, $2, $3, 0)",
        &[&new.notification_id, &new.message, &now.unix_seconds()],
    )
    .await?;
    Ok(Notifying::Accepted)
}

pub(super) async fn addressee(db: &Db<'_>, notification_id: &str) -> Result<Option<Addressee>, Broken> {
    let row = db
        .row(
            "SELECT n.accepted_at, p.state, h.number_index, h.number_sealed, h.generation
             FROM notifications n JOIN pais p USING (pai) JOIN subscribers h USING (subscriber_id)
             WHERE n.notification_id = $1",
            &[&notification_id],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    let holder = match text(&row, "state", PaiState::parse)? {
        PaiState::Closed => None,
        PaiState::Active | PaiState::Suspended => holder(&row)?,
    };
    Ok(Some(Addressee { accepted_at: time(&row, "accepted_at")?, holder }))
}

/// Of those who are erased: what waits is not sent, and what was taken is not told apart by its contents any more. Their
/// PAIs are closed by now, so that nothing is taken any more.
pub(in crate::store) async fn forget(tx: &Db<'_>, subscribers: &[&str]) -> Result<(), Broken> {
    for sql in [
        "UPDATE notifications SET fingerprint = NULL
         WHERE pai IN (SELECT pai FROM pais WHERE subscriber_id = ANY ($1))",
        "DELETE FROM outbox WHERE notification_id IN
             (SELECT n.notification_id FROM notifications n JOIN pais p USING (pai)
              WHERE p.subscriber_id = ANY ($1))",
    ] {
        tx.change(sql, &[&subscribers]).await?;
    }
    Ok(())
}

/// Forgets messages without a name whose day is over, unless they still wait.
pub(in crate::store) async fn forget_unnamed(tx: &Db<'_>, now: Timestamp, limit: i64) -> Result<u64, Broken> {
    tx.change(
        "DELETE FROM notifications WHERE notification_id IN
             (SELECT n.notification_id FROM notifications n
              WHERE n.ext_notification_id IS NULL AND n.accepted_at <= $1
                  AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.notification_id = n.notification_id) LIMIT $2)",
        &[&(now.unix_seconds() - UNNAMED_SECONDS), &limit],
    )
    .await
}
