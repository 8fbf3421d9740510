//! Flows and their PINs in SQL.

use crate::store::flow::{DevicePin, Flow, Journey, NewFlow, PinAttempt, StartFlowResult};
use crate::store::number::{Hash, NumberIndex};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::number_lock;
use crate::store::postgres::rows::{
    parse_optional_column, read_count, read_hash, read_locale, read_number, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, SmsJob, postgres as queue};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PINS_PER_DAY_MAX};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

const DAY_SECONDS: i64 = 86_400;

pub(in crate::store) async fn start_flow(
    tx: &PgConnection<'_>,
    now: Timestamp,
    flow: &NewFlow,
) -> Result<StartFlowResult, TxError> {
    let index = flow.number.index.0.as_slice();
    if flow.pin.is_some() {
        // Two flows at once would both count nine PINs.
        number_lock::acquire(tx, now, flow.number.index).await?;
        // With ten PINs in the last 24 hours, the next is allowed when the tenth is a day old.
        let tenth = tx
            .query_optional(
                "SELECT started_at FROM flows WHERE number_index = $1 AND started_at > $2 AND pin_mac IS NOT NULL
                 ORDER BY started_at DESC LIMIT 1 OFFSET $3",
                &[&index, &(now.unix_seconds() - DAY_SECONDS), &i64::from(PINS_PER_DAY_MAX - 1)],
            )
            .await?;
        if let Some(row) = tenth {
            let again_at = read_time(&row, "flows.started_at")?.plus_seconds(DAY_SECONDS);
            return Ok(StartFlowResult::TooManyPins { again_at });
        }
    }
    let (partner, offer, return_url) = match &flow.journey {
        Journey::Widget { offer, return_url } => {
            (None, offer.as_ref().map(OfferId::as_str), Some(return_url))
        }
        Journey::Device { partner } => (Some(partner.as_str()), None, None),
    };
    tx.execute_one(
        "flows",
        "INSERT INTO flows (flow_hash, partner, number_index, number_sealed, offer, locale, return_url, started_at,
             expires_at, proven_at, pin_mac, pin_expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        &[
            &flow.flow.as_slice(),
            &partner,
            &index,
            &flow.number.sealed,
            &offer,
            &flow.locale.as_str(),
            &return_url,
            &now.unix_seconds(),
            &flow.expires_at.unix_seconds(),
            &flow.pin.is_none().then_some(now.unix_seconds()),
            &flow.pin.as_ref().map(|pin| pin.mac.as_slice()),
            &flow.pin.as_ref().map(|pin| pin.expires_at.unix_seconds()),
        ],
    )
    .await?;
    if let Some(pin) = &flow.pin {
        let sms = SmsJob::Pin { message: pin.message.clone() };
        queue::put(tx, &Job::Sms(sms), now, 0).await?;
    }
    Ok(StartFlowResult::Started)
}

pub(in crate::store) async fn try_pin(
    tx: &PgConnection<'_>,
    now: Timestamp,
    flow: &Hash,
    pin: &Hash,
) -> Result<PinAttempt<Flow>, TxError> {
    // The flow is locked, so that attempts at once are counted one after the other.
    let row = tx
        .query_optional(
            "SELECT flow_hash, number_index, number_sealed, offer, locale, return_url, pin_mac, pin_expires_at, pin_tries
             FROM flows WHERE flow_hash = $1 AND expires_at > $2 AND pin_mac IS NOT NULL AND partner IS NULL
             FOR UPDATE",
            &[&flow.as_slice(), &now.unix_seconds()],
        )
        .await?;
    match row {
        Some(row) => check_pin(tx, now, &row, pin).await?.of(|| read_flow(&row)),
        None => Ok(PinAttempt::Expired),
    }
}

pub(in crate::store) async fn try_device_pin(
    tx: &PgConnection<'_>,
    now: Timestamp,
    pin: &DevicePin,
) -> Result<PinAttempt<()>, TxError> {
    let row = tx
        .query_optional(
            "SELECT flow_hash, pin_mac, pin_expires_at, pin_tries FROM flows
             WHERE flow_hash = $1 AND expires_at > $2 AND partner = $3 AND number_index = $4 FOR UPDATE",
            &[&pin.flow.as_slice(), &now.unix_seconds(), &pin.partner.as_str(), &pin.number.0.as_slice()],
        )
        .await?;
    match row {
        Some(row) => check_pin(tx, now, &row, &pin.mac).await,
        None => Ok(PinAttempt::Expired),
    }
}

pub(in crate::store) async fn find_newest_device_flow(
    db: &PgConnection<'_>,
    partner: &PartnerId,
    number: NumberIndex,
) -> Result<Option<Hash>, TxError> {
    let row = db
        .query_optional(
            "SELECT flow_hash FROM flows WHERE number_index = $1 AND partner = $2 ORDER BY started_at DESC LIMIT 1",
            &[&number.0.as_slice(), &partner.as_str()],
        )
        .await?;
    row.map(|row| read_hash(&row, "flows.flow_hash")).transpose()
}

/// Counts the attempt. A wrong PIN does not undo a proof.
async fn check_pin(
    tx: &PgConnection<'_>,
    now: Timestamp,
    row: &Row,
    pin: &Hash,
) -> Result<PinAttempt<()>, TxError> {
    let flow = read_hash(row, "flows.flow_hash")?;
    let expires_at = read_time(row, "flows.pin_expires_at")?;
    let tries = read_count(row, "flows.pin_tries")?;
    if now >= expires_at {
        return Ok(PinAttempt::Expired);
    }
    if tries >= PIN_ATTEMPTS_MAX {
        return Ok(PinAttempt::UsedUp { expires_at });
    }
    // Both sides are keyed hashes, so the time of the comparison tells nothing about the PIN.
    let matches = read_hash(row, "flows.pin_mac")? == *pin;
    let proven_at = matches.then_some(now.unix_seconds());
    tx.execute_one(
        "flows",
        "UPDATE flows SET pin_tries = pin_tries + 1, proven_at = coalesce(proven_at, $2) WHERE flow_hash = $1",
        &[&flow.as_slice(), &proven_at],
    )
    .await?;
    Ok(match (matches, tries + 1 < PIN_ATTEMPTS_MAX) {
        (true, _) => PinAttempt::Proven(()),
        (false, true) => PinAttempt::Wrong,
        (false, false) => PinAttempt::UsedUp { expires_at },
    })
}

pub(in crate::store) async fn has_flow(db: &PgConnection<'_>, flow: &Hash) -> Result<bool, TxError> {
    Ok(db.query_optional("SELECT 1 FROM flows WHERE flow_hash = $1", &[&flow.as_slice()]).await?.is_some())
}

pub(in crate::store) async fn find_proven_flow(
    db: &PgConnection<'_>,
    now: Timestamp,
    flow: &Hash,
) -> Result<Option<Flow>, TxError> {
    let row = db
        .query_optional(
            "SELECT number_index, number_sealed, offer, locale, return_url, pin_mac FROM flows
             WHERE flow_hash = $1 AND expires_at > $2 AND proven_at IS NOT NULL AND partner IS NULL",
            &[&flow.as_slice(), &now.unix_seconds()],
        )
        .await?;
    row.as_ref().map(read_flow).transpose()
}

/// Flows are kept for a day, because they count against the number's PINs.
pub(in crate::store) async fn delete_old_flows(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    tx.execute(
        "DELETE FROM flows WHERE flow_hash IN (SELECT flow_hash FROM flows WHERE started_at <= $1 LIMIT $2)",
        &[&(now.unix_seconds() - DAY_SECONDS), &limit],
    )
    .await
}

fn read_flow(row: &Row) -> Result<Flow, TxError> {
    Ok(Flow {
        number: read_number(row, "flows.number_index")?,
        offer: parse_optional_column(row, "flows.offer", OfferId::parse)?,
        locale: read_locale(row, "flows.locale")?,
        return_url: row.try_get("return_url")?,
        by_pin: row.try_get::<_, Option<&[u8]>>("pin_mac")?.is_some(),
    })
}
