//! Flows and their PINs in SQL.

use crate::config::OperatorTimeZone;
use crate::store::error::StoreError;
use crate::store::flow::pin_rules::{DAY_SECONDS, find_next_pin_time, latest_start};
use crate::store::flow::{
    DevicePin, Flow, Journey, NewFlow, NewPin, PinAttempt, PinRecipient, StartFlowResult,
};
use crate::store::number::{Hash, NumberIndex};
use crate::store::queue::{Job, SmsJob, sqlite as queue};
use crate::store::rollup::{FlowGroup, VisitCounts, add_flows, sqlite as rollup};
use crate::store::session_assertion::sqlite as session_assertion;
use crate::store::sqlite::rows::{parse_optional_column, read_locale, read_number, read_time};
use crate::store::tally::{Ceiling, Counted, Tallied, sqlite as tally};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PINS_PER_DAY_MAX};
use onbill_domain::timestamp::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

pub(in crate::store) fn start_flow(
    tx: &Connection,
    now: Timestamp,
    flow: &NewFlow,
) -> Result<StartFlowResult, StoreError> {
    if let Some(presented) = &flow.assertion
        && !session_assertion::spend_assertion(tx, presented)?
    {
        return Ok(StartFlowResult::AssertionUsed);
    }
    let index = flow.number.index.0;
    if let Some(pin) = &flow.pin
        && let Some(refused) = refuse_pin(tx, now, flow.number.index, pin)?
    {
        return Ok(refused);
    }
    let (partner, offer, return_url) = match &flow.journey {
        Journey::Widget { offer, return_url } => {
            (None, offer.as_ref().map(OfferId::as_str), Some(return_url))
        }
        Journey::Device { partner } => (Some(partner.as_str()), None, None),
    };
    tx.prepare_cached(
        "INSERT INTO flows (flow_hash, partner, number_index, number_sealed, offer, locale, return_url, started_at,
             expires_at, proven_at, pin_mac, pin_expires_at, pin_asked_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
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
        flow.pin.as_ref().map(|pin| pin.asked_by.word()),
    ])?;
    if let Some(pin) = &flow.pin {
        let sms = SmsJob::Pin { message: pin.message.clone() };
        queue::put(tx, &Job::Sms(sms), now, 0)?;
    }
    Ok(StartFlowResult::Started)
}

/// The PINs of the number first, then the asker's share of the hour, then the hour.
fn refuse_pin(
    tx: &Connection,
    now: Timestamp,
    number: NumberIndex,
    pin: &NewPin,
) -> Result<Option<StartFlowResult>, StoreError> {
    let asker = pin.asked_by.word();
    let [since, until] = [now.unix_seconds() - DAY_SECONDS, latest_start(now)];
    let newest: Vec<i64> = tx
        .prepare_cached(
            "SELECT started_at FROM flows
             WHERE number_index = ?1 AND started_at > ?2 AND started_at <= ?3 AND pin_asked_by = ?4
             ORDER BY started_at DESC LIMIT ?5",
        )?
        .query_map(params![number.0, since, until, asker, PINS_PER_DAY_MAX], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    if let Some(again_at) = find_next_pin_time(now, &newest) {
        return Ok(Some(StartFlowResult::TooManyPins { again_at }));
    }
    let of_hour = tally::find_count(tx, now, Counted::PinsAskedBy(&asker))?;
    if pin.needs_challenge(newest.len(), of_hour) {
        return Ok(Some(StartFlowResult::ChallengeNeeded));
    }
    let count = tally::count_in_hour(tx, now, Counted::PinsAskedBy(&asker))?;
    if let Some(exceeded) = Ceiling::PinsOfOneWay.judge(now, count, pin.ceiling.share()) {
        return Ok(Some(StartFlowResult::CeilingReached(exceeded)));
    }
    let count = tally::count_in_hour(tx, now, Counted::Pins)?;
    Ok(pin.ceiling.judge(now, count).map(StartFlowResult::CeilingReached))
}

pub(in crate::store) fn try_pin(
    tx: &Connection,
    now: Timestamp,
    flow: &Hash,
    pin: &Hash,
) -> Result<PinAttempt<Flow>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT * FROM flows
         WHERE flow_hash = ?1 AND expires_at > ?2 AND started_at <= ?3 AND pin_mac IS NOT NULL AND partner IS NULL",
    )?;
    let mut rows = select.query(params![flow, now.unix_seconds(), latest_start(now)])?;
    match rows.next()? {
        Some(row) => check_pin(tx, now, row, pin)?.of(|| read_flow(row)),
        None => Ok(PinAttempt::Expired),
    }
}

pub(in crate::store) fn try_device_pin(
    tx: &Connection,
    now: Timestamp,
    pin: &DevicePin,
) -> Result<Tallied<PinAttempt<PinRecipient>>, StoreError> {
    if let Some(exceeded) = tally::count_check(tx, now, &pin.to_check())? {
        return Ok(Tallied::Exceeded(exceeded));
    }
    let mut select = tx.prepare_cached(
        "SELECT * FROM flows WHERE flow_hash = ?1 AND expires_at > ?2 AND started_at <= ?3 AND partner = ?4
             AND number_index = ?5",
    )?;
    let values = params![pin.flow, now.unix_seconds(), latest_start(now), pin.partner.as_str(), pin.number.0];
    let mut rows = select.query(values)?;
    let attempt = match rows.next()? {
        Some(row) => check_pin(tx, now, row, &pin.mac)?.of(|| read_recipient(row))?,
        None => PinAttempt::Expired,
    };
    Ok(Tallied::Within(attempt))
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
    // Both sides are keyed hashes, so the time of the comparison reveals nothing about the PIN.
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

pub(in crate::store) fn bind_pin(
    tx: &Connection,
    now: Timestamp,
    flow: &Hash,
    recipient: &Hash,
) -> Result<Option<Hash>, StoreError> {
    Ok(tx
        .prepare_cached(
            "UPDATE flows SET pin_sent_to = coalesce(pin_sent_to, ?3) WHERE flow_hash = ?1 AND expires_at > ?2
             RETURNING pin_sent_to",
        )?
        .query_row(params![flow, now.unix_seconds(), recipient], |row| row.get(0))
        .optional()?)
}

/// Ends the flows of a number that began until `started_by`, with their PINs.
pub(in crate::store) fn end_flows(
    tx: &Connection,
    now: Timestamp,
    number: NumberIndex,
    started_by: i64,
) -> Result<(), StoreError> {
    tx.prepare_cached(
        "UPDATE flows SET expires_at = ?2 WHERE number_index = ?1 AND expires_at > ?2 AND started_at <= ?3",
    )?
    .execute(params![number.0, now.unix_seconds(), started_by])?;
    Ok(())
}

/// Whether the flow, of the widget or of a device, is open and has proved its number.
pub(in crate::store) fn is_proof_open(
    tx: &Connection,
    now: Timestamp,
    flow: &Hash,
) -> Result<bool, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT 1 FROM flows WHERE flow_hash = ?1 AND expires_at > ?2 AND started_at <= ?3 AND proven_at IS NOT NULL",
    )?;
    Ok(select.exists(params![flow, now.unix_seconds(), latest_start(now)])?)
}

pub(in crate::store) fn find_proven_flow(
    db: &Connection,
    now: Timestamp,
    flow: &Hash,
) -> Result<Option<Flow>, StoreError> {
    let mut select = db.prepare_cached(
        "SELECT * FROM flows
         WHERE flow_hash = ?1 AND expires_at > ?2 AND started_at <= ?3 AND proven_at IS NOT NULL
             AND partner IS NULL",
    )?;
    let mut rows = select.query(params![flow, now.unix_seconds(), latest_start(now)])?;
    rows.next()?.map(read_flow).transpose()
}

/// Flows are kept for a day, because they count against the number's PINs. Then they are counted among the
/// visits of their day. Those of a clock that was more than a day ahead count for nothing.
pub(in crate::store) fn delete_old_flows(
    tx: &Connection,
    now: Timestamp,
    zone: &OperatorTimeZone,
    limit: u32,
) -> Result<usize, StoreError> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM flows WHERE flow_hash IN
             (SELECT flow_hash FROM flows WHERE started_at <= ?1 OR started_at > ?2 LIMIT ?3)
         RETURNING started_at, partner IS NOT NULL AS is_in_app, locale, pin_mac IS NOT NULL AS has_pin,
             proven_at IS NOT NULL AS is_proven, partner IS NOT NULL OR offer IS NOT NULL AS is_signup",
    )?;
    let bounds = params![now.unix_seconds() - DAY_SECONDS, now.unix_seconds() + DAY_SECONDS, limit];
    let mut rows = delete.query(bounds)?;
    let (mut deleted, mut visits) = (0, VisitCounts::new());
    while let Some(row) = rows.next()? {
        deleted += 1;
        let started_at = read_time(row, "flows.started_at")?;
        if started_at > now || !row.get::<_, bool>("is_signup")? {
            continue;
        }
        let flow = FlowGroup {
            is_in_app: row.get("is_in_app")?,
            locale: row.get("locale")?,
            has_pin: row.get("has_pin")?,
            count: 1,
            proven: row.get("is_proven")?,
        };
        add_flows(&mut visits, zone.day_of(started_at), &flow);
    }
    rollup::add_visits(tx, &visits)?;
    Ok(deleted)
}

fn read_flow(row: &Row<'_>) -> Result<Flow, StoreError> {
    Ok(Flow {
        number: read_number(row)?,
        offer: parse_optional_column(row, "flows.offer", OfferId::parse)?,
        locale: read_locale(row, "flows.locale")?,
        return_url: row.get("return_url")?,
        pin: match row.get::<_, Option<Hash>>("pin_mac")? {
            Some(_) => Some(read_recipient(row)?),
            None => None,
        },
    })
}

fn read_recipient(row: &Row<'_>) -> Result<PinRecipient, StoreError> {
    Ok(PinRecipient { flow: row.get("flow_hash")?, mac: row.get("pin_sent_to")? })
}
