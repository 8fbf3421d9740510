//! Flows and their PINs in SQL.

use crate::config::OperatorTimeZone;
use crate::store::flow::pin_rules::{DAY_SECONDS, find_next_pin_time, latest_start};
use crate::store::flow::{
    DevicePin, Flow, Journey, NewFlow, NewPin, PinAttempt, PinRecipient, StartFlowResult,
};
use crate::store::number::{Hash, NumberIndex};
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::number_lock;
use crate::store::postgres::rows::{
    parse_optional_column, read_count, read_hash, read_locale, read_number, read_time,
};
use crate::store::postgres::tx_error::TxError;
use crate::store::queue::{Job, SmsJob, postgres as queue};
use crate::store::rollup::{FlowGroup, VisitCounts, add_flows, postgres as rollup};
use crate::store::session_assertion::postgres as session_assertion;
use crate::store::tally::{Ceiling, Counted, Tallied, postgres as tally};
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::limits::{PIN_ATTEMPTS_MAX, PINS_PER_DAY_MAX};
use onbill_domain::timestamp::Timestamp;
use tokio_postgres::Row;

pub(in crate::store) async fn start_flow(
    tx: &PgConnection<'_>,
    now: Timestamp,
    flow: &NewFlow,
) -> Result<StartFlowResult, TxError> {
    if let Some(presented) = &flow.assertion
        && !session_assertion::spend_assertion(tx, presented).await?
    {
        return Ok(StartFlowResult::AssertionUsed);
    }
    let index = flow.number.index.0.as_slice();
    if let Some(pin) = &flow.pin
        && let Some(refused) = refuse_pin(tx, now, flow.number.index, pin).await?
    {
        return Ok(refused);
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
             expires_at, proven_at, pin_mac, pin_expires_at, pin_asked_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
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
            &flow.pin.as_ref().map(|pin| pin.asked_by.word()),
        ],
    )
    .await?;
    if let Some(pin) = &flow.pin {
        let sms = SmsJob::Pin { message: pin.message.clone() };
        queue::put(tx, &Job::Sms(sms), now, 0).await?;
    }
    Ok(StartFlowResult::Started)
}

/// The PINs of the number first, then the asker's share of the hour, then the hour.
async fn refuse_pin(
    tx: &PgConnection<'_>,
    now: Timestamp,
    number: NumberIndex,
    pin: &NewPin,
) -> Result<Option<StartFlowResult>, TxError> {
    // Two flows at once would both count nine PINs.
    number_lock::acquire(tx, now, number).await?;
    let asker = pin.asked_by.word();
    let [since, until] = [now.unix_seconds() - DAY_SECONDS, latest_start(now)];
    let rows = tx
        .query(
            "SELECT started_at FROM flows
             WHERE number_index = $1 AND started_at > $2 AND started_at <= $3 AND pin_asked_by = $4
             ORDER BY started_at DESC LIMIT $5",
            &[&number.0.as_slice(), &since, &until, &asker, &i64::from(PINS_PER_DAY_MAX)],
        )
        .await?;
    let newest = rows.iter().map(|row| row.try_get("started_at")).collect::<Result<Vec<i64>, _>>()?;
    if let Some(again_at) = find_next_pin_time(now, &newest) {
        return Ok(Some(StartFlowResult::TooManyPins { again_at }));
    }
    let of_hour = tally::find_count(tx, now, Counted::PinsAskedBy(&asker)).await?;
    if pin.needs_challenge(newest.len(), of_hour) {
        return Ok(Some(StartFlowResult::ChallengeNeeded));
    }
    let count = tally::count_in_hour(tx, now, Counted::PinsAskedBy(&asker)).await?;
    if let Some(exceeded) = Ceiling::PinsOfOneWay.judge(now, count, pin.ceiling.share()) {
        return Ok(Some(StartFlowResult::CeilingReached(exceeded)));
    }
    let count = tally::count_in_hour(tx, now, Counted::Pins).await?;
    Ok(pin.ceiling.judge(now, count).map(StartFlowResult::CeilingReached))
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
            "SELECT flow_hash, number_index, number_sealed, offer, locale, return_url, pin_mac, pin_expires_at, pin_tries,
                 pin_sent_to
             FROM flows WHERE flow_hash = $1 AND expires_at > $2 AND started_at <= $3 AND pin_mac IS NOT NULL
                 AND partner IS NULL
             FOR UPDATE",
            &[&flow.as_slice(), &now.unix_seconds(), &latest_start(now)],
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
) -> Result<Tallied<PinAttempt<PinRecipient>>, TxError> {
    if let Some(exceeded) = tally::count_check(tx, now, &pin.to_check()).await? {
        return Ok(Tallied::Exceeded(exceeded));
    }
    let row = tx
        .query_optional(
            "SELECT flow_hash, pin_mac, pin_expires_at, pin_tries, pin_sent_to FROM flows
             WHERE flow_hash = $1 AND expires_at > $2 AND started_at <= $3 AND partner = $4 AND number_index = $5
             FOR UPDATE",
            &[
                &pin.flow.as_slice(),
                &now.unix_seconds(),
                &latest_start(now),
                &pin.partner.as_str(),
                &pin.number.0.as_slice(),
            ],
        )
        .await?;
    let attempt = match row {
        Some(row) => check_pin(tx, now, &row, &pin.mac).await?.of(|| read_recipient(&row))?,
        None => PinAttempt::Expired,
    };
    Ok(Tallied::Within(attempt))
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
    // Both sides are keyed hashes, so the time of the comparison reveals nothing about the PIN.
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

pub(in crate::store) async fn bind_pin(
    tx: &PgConnection<'_>,
    now: Timestamp,
    flow: &Hash,
    recipient: &Hash,
) -> Result<Option<Hash>, TxError> {
    let row = tx
        .query_optional(
            "UPDATE flows SET pin_sent_to = coalesce(pin_sent_to, $3) WHERE flow_hash = $1 AND expires_at > $2
             RETURNING pin_sent_to",
            &[&flow.as_slice(), &now.unix_seconds(), &recipient.as_slice()],
        )
        .await?;
    row.map(|row| read_hash(&row, "flows.pin_sent_to")).transpose()
}

/// Ends the flows of a number that began until `started_by`, with their PINs.
pub(in crate::store) async fn end_flows(
    tx: &PgConnection<'_>,
    now: Timestamp,
    number: NumberIndex,
    started_by: i64,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE flows SET expires_at = $2 WHERE number_index = $1 AND expires_at > $2 AND started_at <= $3",
        &[&number.0.as_slice(), &now.unix_seconds(), &started_by],
    )
    .await?;
    Ok(())
}

/// Whether the flow, of the widget or of a device, is open and has proved its number.
pub(in crate::store) async fn is_proof_open(
    tx: &PgConnection<'_>,
    now: Timestamp,
    flow: &Hash,
) -> Result<bool, TxError> {
    let row = tx
        .query_optional(
            "SELECT 1 FROM flows WHERE flow_hash = $1 AND expires_at > $2 AND started_at <= $3
                 AND proven_at IS NOT NULL",
            &[&flow.as_slice(), &now.unix_seconds(), &latest_start(now)],
        )
        .await?;
    Ok(row.is_some())
}

pub(in crate::store) async fn find_proven_flow(
    db: &PgConnection<'_>,
    now: Timestamp,
    flow: &Hash,
) -> Result<Option<Flow>, TxError> {
    let row = db
        .query_optional(
            "SELECT flow_hash, number_index, number_sealed, offer, locale, return_url, pin_mac, pin_sent_to FROM flows
             WHERE flow_hash = $1 AND expires_at > $2 AND started_at <= $3 AND proven_at IS NOT NULL
                 AND partner IS NULL",
            &[&flow.as_slice(), &now.unix_seconds(), &latest_start(now)],
        )
        .await?;
    row.as_ref().map(read_flow).transpose()
}

/// Flows are kept for a day, because they count against the number's PINs. Those of a clock that was
/// more than a day ahead count for nothing.
pub(in crate::store) async fn delete_old_flows(
    tx: &PgConnection<'_>,
    now: Timestamp,
    zone: &OperatorTimeZone,
    limit: i64,
) -> Result<u64, TxError> {
    let rows = tx
        .query(
            "DELETE FROM flows WHERE flow_hash = ANY (ARRAY
                 ((SELECT flow_hash FROM flows WHERE started_at BETWEEN 0 AND $1 ORDER BY started_at LIMIT $3)
                  UNION ALL
                  (SELECT flow_hash FROM flows WHERE started_at BETWEEN $2 AND 9223372036854775807
                   ORDER BY started_at LIMIT $3)))
             RETURNING started_at, partner IS NOT NULL AS is_in_app, locale, pin_mac IS NOT NULL AS has_pin,
                 proven_at IS NOT NULL AS is_proven, (partner IS NOT NULL OR offer IS NOT NULL) AS is_signup",
            &[&(now.unix_seconds() - DAY_SECONDS), &(now.unix_seconds() + DAY_SECONDS + 1), &limit],
        )
        .await?;
    let mut visits = VisitCounts::new();
    for row in &rows {
        let started_at = read_time(row, "flows.started_at")?;
        if started_at > now || !row.try_get::<_, bool>("is_signup")? {
            continue;
        }
        let flow = FlowGroup {
            is_in_app: row.try_get("is_in_app")?,
            locale: row.try_get("locale")?,
            has_pin: row.try_get("has_pin")?,
            count: 1,
            proven: row.try_get::<_, bool>("is_proven")?.into(),
        };
        add_flows(&mut visits, zone.day_of(started_at), &flow);
    }
    if !visits.is_empty() {
        rollup::add_visits(tx, &visits).await?;
    }
    Ok(rows.len() as u64)
}

fn read_flow(row: &Row) -> Result<Flow, TxError> {
    Ok(Flow {
        number: read_number(row, "flows.number_index")?,
        offer: parse_optional_column(row, "flows.offer", OfferId::parse)?,
        locale: read_locale(row, "flows.locale")?,
        return_url: row.try_get("return_url")?,
        pin: match row.try_get::<_, Option<&[u8]>>("pin_mac")? {
            Some(_) => Some(read_recipient(row)?),
            None => None,
        },
    })
}

fn read_recipient(row: &Row) -> Result<PinRecipient, TxError> {
    let mac = match row.try_get::<_, Option<&[u8]>>("pin_sent_to")? {
        Some(_) => Some(read_hash(row, "flows.pin_sent_to")?),
        None => None,
    };
    Ok(PinRecipient { flow: read_hash(row, "flows.flow_hash")?, mac })
}
