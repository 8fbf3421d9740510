//! Account events in SQL. An event locks its numbers first, the smaller one before the other, so
//! that no subscriber comes or goes meanwhile.

use crate::store::account_event::{NewAccountEvent, RecordEventResult};
use crate::store::billing_file::postgres as billing_file;
use crate::store::error::inconsistent_row;
use crate::store::flow::postgres as flow;
use crate::store::number::NumberIndex;
use crate::store::pai::postgres as pai;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::number_lock;
use crate::store::postgres::rows::{parse_column, read_precise_time, read_time};
use crate::store::postgres::tx_error::TxError;
use onbill_domain::account_event::{AccountEvent, PaiEffect};
use onbill_domain::day::Day;
use onbill_domain::limits::SIM_SWAP_HOLD_HOURS_MAX;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::operator::AccountEventOutcome;

pub(in crate::store) async fn record_account_event(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewAccountEvent,
) -> Result<RecordEventResult, TxError> {
    let mut numbers = vec![new.number];
    numbers.extend(new.new_number.iter().map(|number| number.index));
    numbers.sort_by_key(|number| number.0);
    for number in numbers {
        number_lock::acquire(tx, now, number).await?;
    }
    let known = tx
        .query_optional(
            "SELECT fingerprint, outcome FROM account_events WHERE event_id = $1",
            &[&new.event_id.as_str()],
        )
        .await?;
    if let Some(row) = known {
        // An erased subscriber's event has no fingerprint left to compare: the same id counts as a
        // replay.
        let fingerprint: Option<&[u8]> = row.try_get("fingerprint")?;
        let same = fingerprint.is_none_or(|fingerprint| fingerprint == new.fingerprint);
        let outcome = parse_column(&row, "account_events.outcome", AccountEventOutcome::parse)?;
        return Ok(if same { RecordEventResult::Replayed(outcome) } else { RecordEventResult::Conflict });
    }
    let (outcome, subscriber_id) = apply_event(tx, now, new).await?;
    end_visits(tx, now, new, outcome).await?;
    // The same id for other numbers at the same moment violates the unique index here, and the use
    // case starts again.
    tx.execute_one(
        "account_events",
        "INSERT INTO account_events (event_id, fingerprint, event, number_index, occurred_at_nanoseconds, recorded_at, outcome,
             subscriber_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            &new.event_id.as_str(),
            &new.fingerprint.as_slice(),
            &new.event.as_str(),
            &new.number.0.as_slice(),
            &new.occurred_at.unix_nanoseconds(),
            &now.unix_seconds(),
            &outcome.as_str(),
            &subscriber_id,
        ],
    )
    .await?;
    Ok(RecordEventResult::Recorded(outcome))
}

/// Ends the visits of the numbers, whether or not they have a subscriber: what proved a number before
/// the event proves it no longer. A superseded event is about a subscriber who had the number before, and
/// so are the visits from before it.
async fn end_visits(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewAccountEvent,
    outcome: AccountEventOutcome,
) -> Result<(), TxError> {
    if !new.event.ends_visits() {
        return Ok(());
    }
    let started_by = match outcome {
        AccountEventOutcome::Superseded => new.occurred_at.unix_seconds(),
        AccountEventOutcome::Applied
        | AccountEventOutcome::NoSubscriber
        | AccountEventOutcome::Contradictory => i64::MAX,
    };
    for number in [Some(new.number), new.new_number.as_ref().map(|number| number.index)].into_iter().flatten()
    {
        flow::end_flows(tx, now, number, started_by).await?;
    }
    Ok(())
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
async fn apply_event(
    tx: &PgConnection<'_>,
    now: Timestamp,
    new: &NewAccountEvent,
) -> Result<(AccountEventOutcome, Option<String>), TxError> {
    let at = new.occurred_at;
    // 1.
    if new.event == AccountEvent::SimSwapped {
        note_sim_swap(tx, new.number, at).await?;
    }
    // 2.
    let subscriber = find_subscriber(tx, new.number).await?;
    if subscriber.as_ref().is_some_and(|subscriber| !subscriber.accepts(new)) {
        return Ok((AccountEventOutcome::Superseded, None));
    }
    // 3.
    if let Some(taken) = &new.new_number
        && find_subscriber(tx, taken.index).await?.is_some()
    {
        return Ok((AccountEventOutcome::Contradictory, None));
    }
    // 4.
    change_account(tx, new).await?;
    if let Some(number) = &new.new_number
        && let Some(swapped_at) = find_sim_swap_time(tx, new.number).await?
    {
        note_sim_swap(tx, number.index, swapped_at).await?;
    }
    // 5.
    let Some(PresentSubscriber { subscriber_id, .. }) = subscriber else {
        return Ok((AccountEventOutcome::NoSubscriber, None));
    };
    note_last_event(tx, &subscriber_id, at).await?;
    match &new.new_number {
        None => apply_effect(tx, now, &subscriber_id, new.event.effect()).await?,
        Some(number) => {
            billing_file::keep_old_number(tx, &subscriber_id).await?;
            tx.execute_one(
                "subscribers",
                "UPDATE subscribers SET number_index = $2, number_sealed = $3, number_since_nanoseconds = $4
                 WHERE subscriber_id = $1",
                &[&subscriber_id, &number.index.0.as_slice(), &number.sealed, &at.unix_nanoseconds()],
            )
            .await?;
            apply_earlier_events(tx, now, &subscriber_id, number.index, at).await?;
        }
    }
    Ok((AccountEventOutcome::Applied, Some(subscriber_id)))
}

/// From now on, events from before `at` are superseded for this subscriber.
async fn note_last_event(tx: &PgConnection<'_>, subscriber_id: &str, at: Timestamp) -> Result<(), TxError> {
    tx.execute_one(
        "subscribers",
        "UPDATE subscribers SET last_event_at_nanoseconds = $2 WHERE subscriber_id = $1",
        &[&subscriber_id, &at.unix_nanoseconds()],
    )
    .await
}

async fn apply_effect(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
    effect: PaiEffect,
) -> Result<(), TxError> {
    match effect {
        PaiEffect::None => Ok(()),
        // Where a moved subscriber went is unknown when a later event came first: nothing is
        // charged until it is clear.
        PaiEffect::Suspend | PaiEffect::Move => pai::suspend_pais(tx, now, subscriber_id).await,
        PaiEffect::Resume => pai::resume_pais(tx, now, subscriber_id).await,
        PaiEffect::Close(reason) => pai::end_subscriber_and_close_pais(tx, now, subscriber_id, reason).await,
    }
}

/// Applies events of the new number that came before the number change did: they were about this
/// subscriber.
async fn apply_earlier_events(
    tx: &PgConnection<'_>,
    now: Timestamp,
    subscriber_id: &str,
    number: NumberIndex,
    since: Timestamp,
) -> Result<(), TxError> {
    let later = tx
        .query(
            "SELECT event_id, event, occurred_at_nanoseconds FROM account_events
             WHERE number_index = $1 AND occurred_at_nanoseconds > $2 AND outcome = 'NO_SUBSCRIBER'
             ORDER BY occurred_at_nanoseconds, recorded_at",
            &[&number.0.as_slice(), &since.unix_nanoseconds()],
        )
        .await?;
    for row in &later {
        let effect = parse_column(row, "account_events.event", AccountEvent::parse)?.effect();
        note_last_event(tx, subscriber_id, read_precise_time(row, "account_events.occurred_at_nanoseconds")?)
            .await?;
        tx.execute_one(
            "account_events",
            "UPDATE account_events SET subscriber_id = $2 WHERE event_id = $1",
            &[&row.try_get::<_, &str>("event_id")?, &subscriber_id],
        )
        .await?;
        apply_effect(tx, now, subscriber_id, effect).await?;
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

async fn find_subscriber(
    tx: &PgConnection<'_>,
    number: NumberIndex,
) -> Result<Option<PresentSubscriber>, TxError> {
    let row = tx
        .query_optional(
            "SELECT subscriber_id,
                 coalesce(number_since_nanoseconds, created_at * 1000000000) AS number_since_nanoseconds,
                 greatest(created_at * 1000000000, last_event_at_nanoseconds) AS last_event_at_nanoseconds
             FROM subscribers WHERE number_index = $1 AND ended_at IS NULL FOR NO KEY UPDATE",
            &[&number.0.as_slice()],
        )
        .await?;
    row.map(|row| {
        Ok(PresentSubscriber {
            subscriber_id: row.try_get("subscriber_id")?,
            number_since: read_precise_time(&row, "subscribers.number_since_nanoseconds")?,
            last_event_at: read_precise_time(&row, "subscribers.last_event_at_nanoseconds")?,
        })
    })
    .transpose()
}

/// Changes the embedded table as far as the event goes; the next import brings the rest. A number
/// that is not in the table stays out, because an event does not have the account type.
async fn change_account(tx: &PgConnection<'_>, new: &NewAccountEvent) -> Result<(), TxError> {
    let (number, at) = (new.number.0.as_slice(), new.occurred_at.unix_nanoseconds());
    let day = Day::of_timestamp(new.occurred_at).to_string();
    let known = tx
        .query_optional(
            "SELECT 1 FROM accounts WHERE number_index = $1 AND coalesce(changed_at_nanoseconds, 0) <= $2
             FOR UPDATE",
            &[&number, &at],
        )
        .await?;
    if known.is_none() {
        return Ok(());
    }
    let sql = match new.event {
        AccountEvent::Suspended => {
            "UPDATE accounts SET status = 'suspended', changed_at_nanoseconds = $2 WHERE number_index = $1"
        }
        AccountEvent::Resumed => {
            "UPDATE accounts SET status = 'active', changed_at_nanoseconds = $2 WHERE number_index = $1"
        }
        AccountEvent::Ceased | AccountEvent::PortedOut => {
            "UPDATE accounts SET status = 'ceased', changed_at_nanoseconds = $2 WHERE number_index = $1"
        }
        // A ceased number that is activated has a new subscriber.
        AccountEvent::Activated => {
            tx.execute(
                "UPDATE accounts SET activated_on = $2 WHERE number_index = $1 AND status = 'ceased'",
                &[&number, &day],
            )
            .await?;
            "UPDATE accounts SET status = 'active', changed_at_nanoseconds = $2 WHERE number_index = $1"
        }
        AccountEvent::OwnershipChanged => {
            tx.execute("UPDATE accounts SET activated_on = $2 WHERE number_index = $1", &[&number, &day])
                .await?;
            "UPDATE accounts SET changed_at_nanoseconds = $2 WHERE number_index = $1"
        }
        AccountEvent::NumberChanged => return move_account(tx, new).await,
        AccountEvent::SimSwapped => return Ok(()),
    };
    tx.execute_one("accounts", sql, &[&number, &at]).await
}

/// Moves the account to its new number, over what the table has there. Only a status that is newer
/// than the event stays.
async fn move_account(tx: &PgConnection<'_>, new: &NewAccountEvent) -> Result<(), TxError> {
    let to = new.new_number.as_ref().ok_or_else(|| inconsistent_row("account_events.event"))?.index;
    let (from, to, at) = (new.number.0.as_slice(), to.0.as_slice(), new.occurred_at.unix_nanoseconds());
    let later = tx
        .query_optional(
            "SELECT status, changed_at_nanoseconds FROM accounts
             WHERE number_index = $1 AND changed_at_nanoseconds > $2",
            &[&to, &at],
        )
        .await?;
    let (status, changed_at) = match &later {
        Some(row) => (row.try_get::<_, Option<&str>>("status")?, row.try_get("changed_at_nanoseconds")?),
        None => (None, at),
    };
    tx.execute("DELETE FROM accounts WHERE number_index = $1", &[&to]).await?;
    tx.execute_one(
        "accounts",
        "UPDATE accounts SET number_index = $2, status = coalesce($3, status), changed_at_nanoseconds = $4
         WHERE number_index = $1",
        &[&from, &to, &status, &changed_at],
    )
    .await
}

async fn note_sim_swap(tx: &PgConnection<'_>, number: NumberIndex, at: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO sim_swaps (number_index, swapped_at) VALUES ($1, $2)
         ON CONFLICT (number_index) DO UPDATE
         SET swapped_at = greatest(sim_swaps.swapped_at, excluded.swapped_at)",
        &[&number.0.as_slice(), &at.unix_seconds()],
    )
    .await?;
    Ok(())
}

/// Deletes SIM swaps that are too old to have an effect.
pub(in crate::store) async fn delete_old_sim_swaps(
    tx: &PgConnection<'_>,
    now: Timestamp,
    limit: i64,
) -> Result<u64, TxError> {
    let until = now.unix_seconds() - SIM_SWAP_HOLD_HOURS_MAX * 3_600;
    tx.execute(
        // The time is the operator's, and can be of before 1970: some systems write the year 1 for an unknown one.
        "DELETE FROM sim_swaps WHERE swapped_at <= $1 AND number_index = ANY (ARRAY
             (SELECT number_index FROM sim_swaps WHERE swapped_at BETWEEN -9223372036854775807 AND $1
              ORDER BY swapped_at LIMIT $2))",
        &[&(until - 1), &limit],
    )
    .await
}

pub(in crate::store) async fn find_sim_swap_time(
    db: &PgConnection<'_>,
    number: NumberIndex,
) -> Result<Option<Timestamp>, TxError> {
    let row = db
        .query_optional("SELECT swapped_at FROM sim_swaps WHERE number_index = $1", &[&number.0.as_slice()])
        .await?;
    row.map(|row| read_time(&row, "sim_swaps.swapped_at")).transpose()
}
