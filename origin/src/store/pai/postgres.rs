//! PAIs, and the holders of numbers that they stand for.

use crate::store::pai::{NewPai, PaiEnd, PaiRow, PaiStanding};
use crate::store::postgres::failure::{Broken, corrupt};
use crate::store::postgres::rows::{optional_text, pai as read_pai, text};
use crate::store::postgres::statements::Db;
use crate::store::postgres::turns;
use crate::store::queue::postgres as queue;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

/// Locked in an order of their own, so that two who end holders do not wait for each other crosswise. The name of a PAI
/// never changes, so the lock need not keep off a charge that is about to refer to it.
const OPEN_OF_HOLDER: &str =
    "SELECT pai FROM pais WHERE subscriber_id = $1 AND state <> 'CLOSED' ORDER BY pai FOR NO KEY UPDATE";

/// A PAI has one live subscription at most, and there is an index of the live ones.
const CANCEL_LIVE: &str =
    "UPDATE partner_subscriptions SET status = 'CANCELLED' WHERE pai = $1 AND status <> 'CANCELLED'";

/// The PAI of the number's present holder, and whether it is new.
pub(in crate::store) async fn issue(
    tx: &Db<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<(PaiRow, bool), Broken> {
    // Two at once would both find no holder, or no PAI.
    turns::take(tx, now, new.number.index).await?;
    let subscriber_id = holder(tx, now, new).await?;
    match open(tx, &new.partner, &subscriber_id).await? {
        Some(row) => Ok((row, false)),
        None => Ok((create(tx, now, new, &subscriber_id).await?, true)),
    }
}

/// The same where nobody but the outbox tells the edge of a new one.
pub(in crate::store) async fn issue_and_tell(
    tx: &Db<'_>,
    now: Timestamp,
    new: &NewPai,
) -> Result<PaiRow, Broken> {
    let (row, is_new) = issue(tx, now, new).await?;
    if is_new {
        queue::tell_of_pai(tx, now, &row.pai.to_string()).await?;
    }
    Ok(row)
}

/// The number's present holder: the one on record, or a new one when there is none or the generation has changed.
async fn holder(tx: &Db<'_>, now: Timestamp, new: &NewPai) -> Result<String, Broken> {
    let index = new.number.index.0.as_slice();
    let on_record = tx
        .row(
            "SELECT subscriber_id, generation, coalesce(last_event_at < $2, TRUE) AS heard_before
             FROM subscribers WHERE number_index = $1 AND ended_at IS NULL",
            &[&index, &now.unix_seconds()],
        )
        .await?;
    if let Some(row) = on_record {
        let subscriber_id: String = row.try_get("subscriber_id")?;
        if row.try_get::<_, &str>("generation")? == new.generation {
            // The operator has just said that the account is in good standing, unless it has said more since.
            if row.try_get("heard_before")? {
                release(tx, now, &subscriber_id).await?;
            }
            return Ok(subscriber_id);
        }
        end_subscriber(tx, now, &subscriber_id, DeclineReason::AccountClosedTakenOver).await?;
    }
    tx.change_one(
        "subscriber",
        "INSERT INTO subscribers (subscriber_id, handle, number_index, number_sealed, generation, created_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[
            &new.fresh.subscriber_id,
            &new.fresh.handle,
            &index,
            &new.number.sealed,
            &new.generation,
            &now.unix_seconds(),
        ],
    )
    .await?;
    Ok(new.fresh.subscriber_id.clone())
}

/// Ends a holder's time: their PAIs are closed for ever and their subscriptions are over. Whoever calls this has taken
/// the number's turn, so that no new PAI comes in between.
pub(in crate::store) async fn end_subscriber(
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
pub(in crate::store) async fn hold(tx: &Db<'_>, now: Timestamp, subscriber_id: &str) -> Result<(), Broken> {
    change_state(tx, now, subscriber_id, PaiState::Active, PaiState::Suspended).await
}

/// Releases a subscriber's PAIs that are held.
pub(in crate::store) async fn release(
    tx: &Db<'_>,
    now: Timestamp,
    subscriber_id: &str,
) -> Result<(), Broken> {
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
            queue::tell_of_pai(tx, now, pai).await?;
        }
    }
    Ok(())
}

/// Closes a PAI for ever. Closing a closed one changes nothing: the first reason stays.
pub(in crate::store) async fn close(
    tx: &Db<'_>,
    now: Timestamp,
    pai: &str,
    reason: DeclineReason,
) -> Result<(), Broken> {
    let closed = tx
        .change(
            "UPDATE pais SET state = 'CLOSED', closed_reason = $2, closed_at = $3, version = version + 1
         WHERE pai = $1 AND state <> 'CLOSED'",
            &[&pai, &reason.as_str(), &now.unix_seconds()],
        )
        .await?;
    tx.change(CANCEL_LIVE, &[&pai]).await?;
    if closed == 0 { Ok(()) } else { queue::tell_of_pai(tx, now, pai).await }
}

const PAI_ROW: &str =
    "SELECT p.pai, p.state, p.version, s.handle FROM pais p JOIN subscribers s USING (subscriber_id)";

async fn open(tx: &Db<'_>, partner: &PartnerId, subscriber_id: &str) -> Result<Option<PaiRow>, Broken> {
    let sql = format!("{PAI_ROW} WHERE p.partner = $1 AND p.subscriber_id = $2 AND p.state <> 'CLOSED'");
    let row = tx.row(&sql, &[&partner.as_str(), &subscriber_id]).await?;
    row.as_ref().map(pai_row).transpose()
}

pub(in crate::store) async fn find(
    db: &Db<'_>,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<PaiRow>, Broken> {
    let sql = format!("{PAI_ROW} WHERE p.partner = $1 AND p.pai = $2");
    let row = db.row(&sql, &[&partner.as_str(), &pai.to_string()]).await?;
    row.as_ref().map(pai_row).transpose()
}

/// The state of a PAI, which stays as it is until the commit.
pub(in crate::store) async fn lock(
    tx: &Db<'_>,
    partner: &PartnerId,
    pai: Pai,
) -> Result<Option<PaiState>, Broken> {
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

async fn create(tx: &Db<'_>, now: Timestamp, new: &NewPai, subscriber_id: &str) -> Result<PaiRow, Broken> {
    let NewPai { partner, fresh, .. } = new;
    tx.change_one(
        "pai",
        "INSERT INTO pais (pai, partner, subscriber_id, state, version, created_at)
         VALUES ($1, $2, $3, 'ACTIVE', 1, $4)",
        &[&fresh.pai.to_string(), &partner.as_str(), &subscriber_id, &now.unix_seconds()],
    )
    .await?;
    find(tx, partner, fresh.pai).await?.ok_or_else(|| corrupt("pai"))
}

const STANDING: &str = "SELECT p.pai, p.partner, p.state, p.closed_reason, p.version, h.handle
    FROM pais p JOIN subscribers h USING (subscriber_id)";

pub(in crate::store) async fn standing_of_pai(db: &Db<'_>, pai: Pai) -> Result<Option<PaiStanding>, Broken> {
    let row = db.row(&format!("{STANDING} WHERE p.pai = $1"), &[&pai.to_string()]).await?;
    row.map(|row| read_standing(&row)).transpose()
}

pub(in crate::store) async fn standings(
    db: &Db<'_>,
    after: Option<Pai>,
    limit: u32,
) -> Result<Vec<(Pai, PaiStanding)>, Broken> {
    let after = after.map_or_else(String::new, |pai| pai.to_string());
    let sql = format!("{STANDING} WHERE p.pai > $1 ORDER BY p.pai LIMIT $2");
    let rows = db.rows(&sql, &[&after, &i64::from(limit)]).await?;
    rows.iter().map(|row| Ok((read_pai(row)?, read_standing(row)?))).collect()
}

fn read_standing(row: &Row) -> Result<PaiStanding, Broken> {
    Ok(PaiStanding {
        partner: text(row, "partner", PartnerId::parse)?,
        handle: row.try_get("handle")?,
        state: text(row, "state", PaiState::parse)?,
        closed_reason: optional_text(row, "closed_reason", DeclineReason::parse)?,
        version: u64::try_from(row.try_get::<_, i64>("version")?).map_err(|_| corrupt("version"))?,
    })
}

pub(super) async fn close_pai(
    tx: &Db<'_>,
    now: Timestamp,
    partner: &PartnerId,
    pai: Pai,
    reason: DeclineReason,
) -> Result<PaiEnd, Broken> {
    if !reason.closes_pai() {
        return Ok(PaiEnd::NotAnEnd);
    }
    let sql = "SELECT closed_reason FROM pais WHERE partner = $1 AND pai = $2 FOR UPDATE";
    let Some(row) = tx.row(sql, &[&partner.as_str(), &pai.to_string()]).await? else {
        return Ok(PaiEnd::NotFound);
    };
    if let Some(first) = optional_text(&row, "closed_reason", DeclineReason::parse)? {
        return Ok(PaiEnd::WasClosed(first));
    }
    close(tx, now, &pai.to_string(), reason).await?;
    Ok(PaiEnd::Closed)
}
