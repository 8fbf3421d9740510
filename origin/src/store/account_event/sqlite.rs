//! Account events in SQL.

use crate::store::account_event::{NewAccountEvent, RecordEventResult};
use crate::store::billing_file::sqlite as billing_file;
use crate::store::error::{StoreError, inconsistent_row};
use crate::store::flow::sqlite as flow;
use crate::store::number::{Hash, NumberIndex};
use crate::store::pai::sqlite as pai;
use crate::store::sqlite::rows::parse_column;
use onbill_domain::account_event::{AccountEvent, PaiEffect};
use onbill_domain::day::Day;
use onbill_domain::limits::SIM_SWAP_HOLD_HOURS_MAX;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome;
use rusqlite::{Connection, OptionalExtension as _, params};

pub(in crate::store) fn record_account_event(
    tx: &Connection,
    now: Timestamp,
    new: &NewAccountEvent,
) -> Result<RecordEventResult, StoreError> {
    if let Some((fingerprint, outcome)) = find_known_event(tx, new)? {
        let same = fingerprint.is_none_or(|fingerprint| fingerprint == new.fingerprint);
        return Ok(if same { RecordEventResult::Replayed(outcome) } else { RecordEventResult::Conflict });
    }
    let (outcome, subscriber_id) = apply_event(tx, now, new)?;
    end_visits(tx, now, new, outcome)?;
    tx.prepare_cached(
        "INSERT INTO account_events (event_id, fingerprint, event, number_index, occurred_at_nanoseconds, recorded_at, outcome,
             subscriber_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute(params![
        new.event_id.as_str(),
        new.fingerprint,
        new.event.as_str(),
        new.number.0,
        new.occurred_at.unix_nanoseconds(),
        now.unix_seconds(),
        outcome.as_str(),
        subscriber_id,
    ])?;
    Ok(RecordEventResult::Recorded(outcome))
}

/// An erased subscriber's event has no fingerprint left to compare: the same id counts as a replay.
fn find_known_event(
    tx: &Connection,
    new: &NewAccountEvent,
) -> Result<Option<(Option<Hash>, AccountEventOutcome)>, StoreError> {
    let mut select =
        tx.prepare_cached("SELECT fingerprint, outcome FROM account_events WHERE event_id = ?1")?;
    let mut rows = select.query([new.event_id.as_str()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((
        row.get("fingerprint")?,
        parse_column(row, "account_events.outcome", AccountEventOutcome::parse)?,
    )))
}

/// Ends the visits of the numbers, whether or not they have a subscriber: what proved a number before
/// the event proves it no longer. A superseded event is about a subscriber who had the number before, and
/// so are the visits from before it.
fn end_visits(
    tx: &Connection,
    now: Timestamp,
    new: &NewAccountEvent,
    outcome: AccountEventOutcome,
) -> Result<(), StoreError> {
    if !new.event.ends_visits() {
        return Ok(());
    }
    let started_by = match outcome {
        AccountEventOutcome::Superseded => new.occurred_at.unix_seconds(),
        AccountEventOutcome::Applied
        | AccountEventOutcome::NoSubscriber
        | AccountEventOutcome::Contradictory => i64::MAX,
    };
    let numbers = [Some(new.number), new.new_number.as_ref().map(|number| number.index)];
    numbers.into_iter().flatten().try_for_each(|number| flow::end_flows(tx, now, number, started_by))
}

/// 1. A SIM swap is recorded for its number, whichever subscriber has it and however late the event comes.
/// 2. The number's subscriber came later, or has had a later event → `SUPERSEDED`. An event by
///    which a subscriber leaves the number counts even when it comes late: what happened to the
///    number since was not about them.
/// 3. The new number has another subscriber → `CONTRADICTORY`.
/// 4. The embedded table follows, if it has the number, and the SIM swap moves with its subscriber.
/// 5. The number has no subscriber → `NO_SUBSCRIBER`; otherwise their PAIs follow.
///
/// Also returns the subscriber to whom the event was applied.
fn apply_event(
    tx: &Connection,
    now: Timestamp,
    new: &NewAccountEvent,
) -> Result<(AccountEventOutcome, Option<String>), StoreError> {
    let at = new.occurred_at;
    // 1.
    if new.event == AccountEvent::SimSwapped {
        note_sim_swap(tx, new.number, at)?;
    }
    // 2.
    let subscriber = find_subscriber(tx, new.number)?;
    if subscriber.as_ref().is_some_and(|subscriber| !subscriber.accepts(new)) {
        return Ok((AccountEventOutcome::Superseded, None));
    }
    // 3.
    if let Some(taken) = &new.new_number
        && find_subscriber(tx, taken.index)?.is_some()
    {
        return Ok((AccountEventOutcome::Contradictory, None));
    }
    // 4.
    change_account(tx, new)?;
    if let Some(number) = &new.new_number
        && let Some(swapped_at) = find_sim_swap_time(tx, new.number)?
    {
        note_sim_swap(tx, number.index, swapped_at)?;
    }
    // 5.
    let Some(PresentSubscriber { subscriber_id, .. }) = subscriber else {
        return Ok((AccountEventOutcome::NoSubscriber, None));
    };
    note_last_event(tx, &subscriber_id, at)?;
    match &new.new_number {
        None => apply_effect(tx, now, &subscriber_id, new.event.effect())?,
        Some(number) => {
            billing_file::keep_old_number(tx, &subscriber_id)?;
            tx.prepare_cached(
                "UPDATE subscribers SET number_index = ?2, number_sealed = ?3, number_since_nanoseconds = ?4
                 WHERE subscriber_id = ?1",
            )?
            .execute(params![
                subscriber_id,
                number.index.0,
                number.sealed,
                at.unix_nanoseconds()
            ])?;
            apply_earlier_events(tx, now, &subscriber_id, number.index, at)?;
        }
    }
    Ok((AccountEventOutcome::Applied, Some(subscriber_id)))
}

/// From now on, events from before `at` are superseded for this subscriber.
fn note_last_event(tx: &Connection, subscriber_id: &str, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached("UPDATE subscribers SET last_event_at_nanoseconds = ?2 WHERE subscriber_id = ?1")?
        .execute(params![subscriber_id, at.unix_nanoseconds()])?;
    Ok(())
}

fn apply_effect(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
    effect: PaiEffect,
) -> Result<(), StoreError> {
    match effect {
        PaiEffect::None => Ok(()),
        // Where a moved subscriber went is unknown when a later event came first: nothing is
        // charged until it is clear.
        PaiEffect::Suspend | PaiEffect::Move => pai::suspend_pais(tx, now, subscriber_id),
        PaiEffect::Resume => pai::resume_pais(tx, now, subscriber_id),
        PaiEffect::Close(reason) => pai::end_subscriber_and_close_pais(tx, now, subscriber_id, reason),
    }
}

/// Applies events of the new number that came before the number change did: they were about this
/// subscriber.
fn apply_earlier_events(
    tx: &Connection,
    now: Timestamp,
    subscriber_id: &str,
    number: NumberIndex,
    since: Timestamp,
) -> Result<(), StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT event_id, event, occurred_at_nanoseconds FROM account_events
         WHERE number_index = ?1 AND occurred_at_nanoseconds > ?2 AND outcome = 'NO_SUBSCRIBER'
         ORDER BY occurred_at_nanoseconds, recorded_at",
    )?;
    let mut rows = select.query(params![number.0, since.unix_nanoseconds()])?;
    while let Some(row) = rows.next()? {
        let effect = parse_column(row, "account_events.event", AccountEvent::parse)?.effect();
        note_last_event(
            tx,
            subscriber_id,
            Timestamp::from_unix_nanoseconds(row.get("occurred_at_nanoseconds")?),
        )?;
        tx.prepare_cached("UPDATE account_events SET subscriber_id = ?2 WHERE event_id = ?1")?
            .execute(params![row.get::<_, String>("event_id")?, subscriber_id])?;
        apply_effect(tx, now, subscriber_id, effect)?;
        if effect.releases_number() {
            break;
        }
    }
    Ok(())
}

struct PresentSubscriber {
    subscriber_id: String,
    /// Earlier events of the number are about an earlier subscriber.
    number_since: Timestamp,
    /// Earlier events of the subscriber are superseded.
    last_event_at: Timestamp,
}

impl PresentSubscriber {
    fn accepts(&self, new: &NewAccountEvent) -> bool {
        let since = if new.event.effect().releases_number() { self.number_since } else { self.last_event_at };
        new.occurred_at >= since
    }
}

fn find_subscriber(tx: &Connection, number: NumberIndex) -> Result<Option<PresentSubscriber>, StoreError> {
    let mut select = tx.prepare_cached(
        "SELECT subscriber_id, coalesce(number_since_nanoseconds, created_at * 1000000000) AS number_since,
             max(created_at * 1000000000, coalesce(last_event_at_nanoseconds, 0)) AS last_event_at
         FROM subscribers WHERE number_index = ?1 AND ended_at IS NULL",
    )?;
    let mut rows = select.query([number.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let at = |column: &str| row.get(column).map(Timestamp::from_unix_nanoseconds);
    Ok(Some(PresentSubscriber {
        subscriber_id: row.get("subscriber_id")?,
        number_since: at("number_since")?,
        last_event_at: at("last_event_at")?,
    }))
}

/// Changes the embedded table as far as the event goes; the next import brings the rest. A number
/// that is not in the table stays out, because an event does not have the account type.
fn change_account(tx: &Connection, new: &NewAccountEvent) -> Result<(), StoreError> {
    let at = new.occurred_at.unix_nanoseconds();
    let changed_at: Option<Option<i64>> = tx
        .prepare_cached("SELECT changed_at_nanoseconds FROM accounts WHERE number_index = ?1")?
        .query_row([new.number.0], |row| row.get(0))
        .optional()?;
    if changed_at.is_none_or(|changed_at| changed_at.is_some_and(|changed_at| changed_at > at)) {
        return Ok(());
    }
    let day = Day::of_timestamp(new.occurred_at).to_string();
    let set = |what: &str| -> Result<(), StoreError> {
        tx.prepare_cached(&format!(
            "UPDATE accounts SET {what}, changed_at_nanoseconds = ?2 WHERE number_index = ?1"
        ))?
        .execute(params![new.number.0, at])?;
        Ok(())
    };
    match (new.event, &new.new_number) {
        (AccountEvent::Suspended, _) => set("status = 'suspended'"),
        (AccountEvent::Resumed, _) => set("status = 'active'"),
        (AccountEvent::Ceased | AccountEvent::PortedOut, _) => set("status = 'ceased'"),
        // A ceased number that is activated has a new subscriber.
        (AccountEvent::Activated, _) => {
            tx.prepare_cached(
                "UPDATE accounts SET activated_on = ?2 WHERE number_index = ?1 AND status = 'ceased'",
            )?
            .execute(params![new.number.0, day])?;
            set("status = 'active'")
        }
        (AccountEvent::OwnershipChanged, _) => {
            tx.prepare_cached("UPDATE accounts SET activated_on = ?2 WHERE number_index = ?1")?
                .execute(params![new.number.0, day])?;
            set("status = status")
        }
        (AccountEvent::NumberChanged, Some(number)) => move_account(tx, new, number.index),
        (AccountEvent::NumberChanged, None) => Err(inconsistent_row("account_events.event")),
        (AccountEvent::SimSwapped, _) => Ok(()),
    }
}

/// Moves the account to its new number, over what the table has there. Only a status that is newer
/// than the event stays.
fn move_account(tx: &Connection, new: &NewAccountEvent, to: NumberIndex) -> Result<(), StoreError> {
    let at = new.occurred_at.unix_nanoseconds();
    let later: Option<(String, i64)> = tx
        .prepare_cached(
            "SELECT status, changed_at_nanoseconds FROM accounts
             WHERE number_index = ?1 AND changed_at_nanoseconds > ?2",
        )?
        .query_row(params![to.0, at], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    tx.prepare_cached("DELETE FROM accounts WHERE number_index = ?1")?.execute([to.0])?;
    let (status, changed_at) = later.map_or((None, at), |(status, changed_at)| (Some(status), changed_at));
    tx.prepare_cached(
        "UPDATE accounts SET number_index = ?2, status = coalesce(?3, status), changed_at_nanoseconds = ?4
         WHERE number_index = ?1",
    )?
    .execute(params![new.number.0, to.0, status, changed_at])?;
    Ok(())
}

fn note_sim_swap(tx: &Connection, number: NumberIndex, at: Timestamp) -> Result<(), StoreError> {
    tx.prepare_cached(
        "INSERT INTO sim_swaps (number_index, swapped_at) VALUES (?1, ?2)
         ON CONFLICT (number_index) DO UPDATE SET swapped_at = max(swapped_at, excluded.swapped_at)",
    )?
    .execute(params![number.0, at.unix_seconds()])?;
    Ok(())
}

/// Deletes SIM swaps that are too old to have an effect.
pub(in crate::store) fn delete_old_sim_swaps(
    tx: &Connection,
    now: Timestamp,
    limit: u32,
) -> Result<usize, StoreError> {
    let until = now.unix_seconds() - SIM_SWAP_HOLD_HOURS_MAX * 3_600;
    let mut delete = tx.prepare_cached(
        "DELETE FROM sim_swaps WHERE number_index IN (SELECT number_index FROM sim_swaps WHERE swapped_at < ?1 LIMIT ?2)",
    )?;
    Ok(delete.execute(params![until, limit])?)
}

pub(in crate::store) fn find_sim_swap_time(
    db: &Connection,
    number: NumberIndex,
) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<i64> = db
        .prepare_cached("SELECT swapped_at FROM sim_swaps WHERE number_index = ?1")?
        .query_row([number.0], |row| row.get(0))
        .optional()?;
    Ok(at.map(Timestamp::from_unix_seconds))
}
