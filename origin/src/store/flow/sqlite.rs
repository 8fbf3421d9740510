//! Flows and their PINs in SQL.

use crate::store::error::StoreError;
use crate::store::flow::{DevicePin, Flow, Journey, NewFlow, PinAttempt, StartFlowResult};
use crate::store::number::{Hash, NumberIndex};
use crate::store::queue::{Job, SmsJob, sqlite as queue};
use crate::store::sqlite::rows::{parse_optional_column, read_locale, read_number};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PINS_PER_DAY_MAX};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

const DAY_SECONDS: i64 = 86_400;

pub(in crate::store) fn start_flow(
    tx: &Connection,
    now: Timestamp,
    flow: &NewFlow,
) -> Result<StartFlowResult, StoreError> {
    let index = flow.number.index.0;
    if flow.pin.is_some() {
        // With ten PINs in the last 24 hours, the next is allowed when the tenth is a day old.
        let tenth: Option<i64> = tx
            .prepare_cached(
                "SELECT started_at FROM flows WHERE number_index = ?1 AND started_at > ?2 AND pin_mac IS NOT NULL
                 ORDER BY started_at DESC LIMIT 1 OFFSET ?3",
            )?
            .query_row(params![index, now.unix_seconds() - DAY_SECONDS, PINS_PER_DAY_MAX - 1], |row| row.get(0))
            .optional()?;
        if let Some(started_at) = tenth {
            let again_at = Timestamp::from_unix_seconds(started_at).plus_seconds(DAY_SECONDS);
            return Ok(StartFlowResult::TooManyPins { again_at });
        }
    }
    let (partner, offer, return_url) = match &flow.journey {
        Journey::Widget { offer, return_url } => {
            (None, offer.as_ref().map(OfferId::as_str), Some(return_url))
        }
        Journey::Device { partner } => (Some(partner.as_str()), None, None),
    };
    tx.prepare_cached(
        "INSERT INTO flows (flow_hash, partner, number_index, number_sealed, offer, locale, return_url, started_at,
             expires_at, proven_at, pin_mac, pin_expires_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        flow.flow,
        partner,
        index,
        flow.number.sealed,
        offer,
        flow.locale.as_str(),
        return_url,
        now.unix_seconds(),
        flow.expires_at.unix_seconds(),
        flow.pin.is_none().then_some(now.unix_seconds()),
        flow.pin.as_ref().map(|pin| pin.mac),
        flow.pin.as_ref().map(|pin| pin.expires_at.unix_seconds()),
    ])?;
    if let Some(pin) = &flow.pin {
        let sms = SmsJob::Pin { message: pin.message.clone() };
        queue::put(tx, &Job::Sms(sms), now, 0)?;
    }
    Ok(StartFlowResult::Started)
}

pub(in crate::store) fn try_pin(
    tx: &Connection,
    now: Timestamp,
    flow: &Hash,
    pin: &Hash,
) -> Result<PinAttempt<Flow>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT * FROM flows WHERE flow_hash = ?1 AND expires_at > ?2 AND pin_mac IS NOT NULL AND partner IS NULL",
    )?;
    let mut rows = select.query(params![flow, now.unix_seconds()])?;
    match rows.next()? {
        Some(row) => check_pin(tx, now, row, pin)?.of(|| read_flow(row)),
        None => Ok(PinAttempt::Expired),
    }
}

pub(in crate::store) fn try_device_pin(
    tx: &Connection,
    now: Timestamp,
    pin: &DevicePin,
) -> Result<PinAttempt<()>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT * FROM flows WHERE flow_hash = ?1 AND expires_at > ?2 AND partner = ?3 AND number_index = ?4",
    )?;
    let mut rows = select.query(params![pin.flow, now.unix_seconds(), pin.partner.as_str(), pin.number.0])?;
    match rows.next()? {
        Some(row) => check_pin(tx, now, row, &pin.mac),
        None => Ok(PinAttempt::Expired),
    }
}

pub(in crate::store) fn find_newest_device_flow(
    db: &Connection,
    partner: &PartnerId,
    number: NumberIndex,
) -> Result<Option<Hash>, StoreError> {
    Ok(db
        .prepare_cached(
            "SELECT flow_hash FROM flows WHERE number_index = ?1 AND partner = ?2 ORDER BY started_at DESC LIMIT 1",
        )?
        .query_row(params![number.0, partner.as_str()], |row| row.get(0))
        .optional()?)
}

/// Counts the attempt. A wrong PIN does not undo a proof.
fn check_pin(
    tx: &Connection,
    now: Timestamp,
    row: &Row<'_>,
    pin: &Hash,
) -> Result<PinAttempt<()>, StoreError> {
    let flow: Hash = row.get("flow_hash")?;
    let expires_at = Timestamp::from_unix_seconds(row.get("pin_expires_at")?);
    let tries: u32 = row.get("pin_tries")?;
    let expected: Hash = row.get("pin_mac")?;
    if now >= expires_at {
        return Ok(PinAttempt::Expired);
    }
    if tries >= PIN_ATTEMPTS_MAX {
        return Ok(PinAttempt::UsedUp { expires_at });
    }
    // Both sides are keyed hashes, so the time of the comparison tells nothing about the PIN.
    let matches = expected == *pin;
    let proven_at = matches.then_some(now.unix_seconds());
    tx.prepare_cached(
        "UPDATE flows SET pin_tries = pin_tries + 1, proven_at = coalesce(proven_at, ?2) WHERE flow_hash = ?1",
    )?
    .execute(params![flow, proven_at])?;
    Ok(match (matches, tries + 1 < PIN_ATTEMPTS_MAX) {
        (true, _) => PinAttempt::Proven(()),
        (false, true) => PinAttempt::Wrong,
        (false, false) => PinAttempt::UsedUp { expires_at },
    })
}

pub(in crate::store) fn has_flow(db: &Connection, flow: &Hash) -> Result<bool, StoreError> {
    Ok(db.prepare_cached("SELECT 1 FROM flows WHERE flow_hash = ?1")?.exists([flow])?)
}

pub(in crate::store) fn find_proven_flow(
    db: &Connection,
    now: Timestamp,
    flow: &Hash,
) -> Result<Option<Flow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT * FROM flows
         WHERE flow_hash = ?1 AND expires_at > ?2 AND proven_at IS NOT NULL AND partner IS NULL",
    )?;
    let mut rows = select.query(params![flow, now.unix_seconds()])?;
    rows.next()?.map(read_flow).transpose()
}

/// Flows are kept for a day, because they count against the number's PINs.
pub(in crate::store) fn delete_old_flows(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM flows WHERE flow_hash IN (SELECT flow_hash FROM flows WHERE started_at <= ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![now.unix_seconds() - DAY_SECONDS, limit])?)
}

fn read_flow(row: &Row<'_>) -> Result<Flow, StoreError> {
    Ok(Flow {
        number: read_number(row)?,
        offer: parse_optional_column(row, "flows.offer", OfferId::parse)?,
        locale: read_locale(row, "flows.locale")?,
        return_url: row.get("return_url")?,
        by_pin: row.get::<_, Option<Hash>>("pin_mac")?.is_some(),
    })
}
