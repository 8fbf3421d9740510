//! PAIs, and the holders of numbers that they stand for.

use super::failure::{Broken, corrupt};
use super::outbox;
use super::rows::{pai as read_pai, text};
use super::statements::Db;
use crate::store::{FreshNames, PaiRow};
use onbill_domain::decline::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

/// Locked in an order of their own, so that two who end holders do not wait for each other crosswise. The name of a PAI
/// never changes, so the lock need not keep off a charge that is about to refer to it.
pub(super) const OPEN_OF_HOLDER: &str =
    "SELECT pai FROM pais WHERE subscriber_id = $1 AND state <> 'CLOSED' ORDER BY pai FOR NO KEY UPDATE";
/// A PAI has one live subscription at most, and there is an index of the live ones.
pub(super) const CANCEL_LIVE: &str =
    "UPDATE partner_subscriptions SET status = 'CANCELLED' WHERE pai = $1 AND status <> 'CANCELLED'";

/// Ends a holder's time: their PAIs are closed for ever and their subscriptions are over. Whoever calls this has taken
/// the number's turn, so that no new PAI comes in between.
pub(super) async fn end_subscriber(
    tx: &Db<'_>,
    now: Timestamp,
    subscriber_id: &str,
    reason: DeclineReason,
) -> Result<(), Broken> {
    tx.change_one(
        "subscriber",
        "UPDATE subscribers SET ended_at = $2 WHERE subscriber_id = $1 AND ended_at IS NULL",
        &[&subscriber_id, &now.unix_seconds()],
    )
    .await?;
    for row in tx.rows(OPEN_OF_HOLDER, &[&subscriber_id]).await? {
        close(tx, now, row.try_get("pai")?, reason).await?;
    }
    Ok(())
}

/// Holds a subscriber's PAIs: charges are declined until they are released.
pub(super) async fn hold(tx: &Db<'_>, now: Timestamp, subscriber_id: &str) -> Result<(), Broken> {
    change_state(tx, now, subscriber_id, PaiState::Active, PaiState::Suspended).await
}

/// Releases a subscriber's PAIs that are held.
pub(super) async fn release(tx: &Db<'_>, now: Timestamp, subscriber_id: &str) -> Result<(), Broken> {
    change_state(tx, now, subscriber_id, PaiState::Suspended, PaiState::Active).await
}

async fn change_state(
    tx: &Db<'_>,
    now: Timestamp,
    subscriber_id: &str,
    from: PaiState,
    to: PaiState,
) -> Result<(), Broken> {
    for row in tx.rows(OPEN_OF_HOLDER, &[&subscriber_id]).await? {
        let pai: &str = row.try_get("pai")?;
        let changed = tx
            .change(
                "UPDATE pais SET state = $3, version = version + 1 WHERE pai = $1 AND state = $2",
                &[&pai, &from.as_str(), &to.as_str()],
            )
            .await?;
        if changed == 1 {
            outbox::tell_of_pai(tx, now, pai).await?;
        }
    }
    Ok(())
}

/// Closes a PAI for ever. Closing a closed one changes nothing: the first reason stays.
pub(super) async fn close(
    tx: &Db<'_>,
    now: Timestamp,
    pai: &str,
    reason: DeclineReason,
) -> Result<(), Broken> {
    let closed = tx
        .change(
            "UPDATE pais SET state = 'CLOSED', closed_reason = $2, version = version + 1
         WHERE pai = $1 AND state <> 'CLOSED'",
            &[&pai, &reason.as_str()],
        )
        .await?;
    tx.change(CANCEL_LIVE, &[&pai]).await?;
    if closed == 0 { Ok(()) } else { outbox::tell_of_pai(tx, now, pai).await }
}

const PAI_ROW: &str =
    "SELECT p.pai, p.state, p.version, s.handle FROM pais p JOIN subscribers s USING (subscriber_id)";

pub(super) async fn open(
    tx: &Db<'_>,
    partner: &PartnerId,
    subscriber_id: &str,
) -> Result<Option<PaiRow>, Broken> {
    let sql = format!("{PAI_ROW} WHERE p.partner = $1 AND p.subscriber_id = $2 AND p.state <> 'CLOSED'");
    let row = tx.row(&sql, &[&partner.as_str(), &subscriber_id]).await?;
    row.as_ref().map(pai_row).transpose()
}

pub(super) async fn find(db: &Db<'_>, partner: &PartnerId, pai: Pai) -> Result<Option<PaiRow>, Broken> {
    let sql = format!("{PAI_ROW} WHERE p.partner = $1 AND p.pai = $2");
    let row = db.row(&sql, &[&partner.as_str(), &pai.to_string()]).await?;
    row.as_ref().map(pai_row).transpose()
}

/// The state of a PAI, which stays as it is until the commit.
pub(super) async fn lock(tx: &Db<'_>, partner: &PartnerId, pai: Pai) -> Result<Option<PaiState>, Broken> {
    let row = tx
        .row(
            "SELECT state FROM pais WHERE partner = $1 AND pai = $2 FOR NO KEY UPDATE",
            &[&partner.as_str(), &pai.to_string()],
        )
        .await?;
    row.as_ref().map(|row| text(row, "state", PaiState::parse)).transpose()
}

fn pai_row(row: &Row) -> Result<PaiRow, Broken> {
    Ok(PaiRow {
        pai: read_pai(row)?,
        handle: row.try_get("handle")?,
        state: text(row, "state", PaiState::parse)?,
        version: u64::try_from(row.try_get::<_, i64>("version")?).map_err(|_| corrupt("version"))?,
    })
}

pub(super) async fn create(
    tx: &Db<'_>,
    now: Timestamp,
    partner: &PartnerId,
    subscriber_id: &str,
    fresh: &FreshNames,
) -> Result<PaiRow, Broken> {
    tx.change_one(
        "pai",
        "INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
         VALUES ($1, $2, $3, 'ACTIVE', 1, $4)",
        &[&fresh.pai.to_string(), &partner.as_str(), &subscriber_id, &now.unix_seconds()],
    )
    .await?;
    find(tx, partner, fresh.pai).await?.ok_or_else(|| corrupt("pai"))
}
