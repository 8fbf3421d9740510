//! Alarms as the database keeps them, for the verbs, for other origins of the same ledger, and for
//! the time after a restart. They are written behind the calls that raise them, in transactions of
//! their own.
//!
//! A row is the last time that an alarm with this subject was active. What is about one origin has
//! its instance, and only that origin ends it; what is about the ledger has none.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::instruments::{Alarm, AlarmChange, AlarmRecord, AlarmScope, ReportedAlarm, StoredAlarm};
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::timestamp::Timestamp;

/// Alarms in one list. An origin has some thousand at most, and those that are over are kept for
/// [`KEPT_SECONDS`].
pub const ALARMS_LISTED_MAX: usize = 10_000;
/// How long an alarm that is over is kept, in seconds: 90 days, so that a quarter can be looked at.
const KEPT_SECONDS: i64 = 90 * 86_400;
/// After so many seconds without a write, an origin is gone, and its alarms with it. Its readiness check
/// writes every two seconds.
const GONE_SECONDS: i64 = 2 * 3_600;

/// Which alarms to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AlarmFilter {
    /// The active ones that are about the ledger or this origin, and those of all origins that are over
    /// and whose end the alarm webhook has not reported: their own may be gone.
    OfOrigin(String),
    /// The active ones of all origins.
    Active,
    /// Those that are over as well.
    All,
}

impl Store {
    /// Writes what became of alarms of this origin. One that was closed since it was noticed last
    /// stays closed.
    pub async fn record_alarms(
        &self,
        instance: String,
        mut records: Vec<AlarmRecord>,
    ) -> Result<(), StoreError> {
        // Two origins that write the same rows then do not wait for each other. The end of an alarm
        // stays before its next beginning.
        records.sort_by(|a, b| (a.alarm, &a.subject).cmp(&(b.alarm, &b.subject)));
        use_case!(self, write, record_alarms(&instance, &records))
    }

    /// Marks what the receiver of the alarm webhook has taken, so that it is not reported again after a
    /// restart.
    pub async fn mark_alarms_reported(
        &self,
        instance: String,
        mut reported: Vec<ReportedAlarm>,
    ) -> Result<(), StoreError> {
        // As above. The sort is stable: a beginning stays before its end.
        reported.sort_by(|a, b| reported_row(a, &instance).cmp(&reported_row(b, &instance)));
        use_case!(self, write, mark_alarms_reported(&instance, &reported))
    }

    /// Lists alarms by name and subject, [`ALARMS_LISTED_MAX`] at most.
    pub async fn list_alarms(&self, filter: AlarmFilter) -> Result<Vec<StoredAlarm>, StoreError> {
        use_case!(self, read, list_alarms(&filter))
    }

    /// Closes the alarm with this subject, or all of its kind, and returns how many were active.
    pub async fn close_alarms(
        &self,
        now: Timestamp,
        alarm: Alarm,
        subject: Option<String>,
    ) -> Result<u64, StoreError> {
        use_case!(self, write, close_alarms(now, alarm, subject.as_deref()))
    }
}

/// The column of the instance.
fn stored_instance(alarm: Alarm, instance: &str) -> &str {
    match alarm.scope() {
        AlarmScope::Origin => instance,
        AlarmScope::Ledger => "",
    }
}

/// Alarm, subject and instance of the row that an origin of this name has reported.
fn reported_row<'a>(reported: &'a ReportedAlarm, instance: &'a str) -> (Alarm, &'a str, &'a str) {
    let own = stored_instance(reported.alarm, instance);
    (reported.alarm, &reported.subject, reported.other_origin.as_deref().unwrap_or(own))
}

/// Writes that an alarm was noticed, and perhaps that it is over. It continues if it is active, and is
/// a new one if it is over, unless it was noticed before that. The placeholders are those of either
/// database; `is_new` is that of whether it is known to be a new one.
fn note_sql(placeholders: &str, is_new: &str) -> String {
    format!(
        "INSERT INTO alarms (alarm, subject, instance, raised_at, last_seen_at, counted, ends_at, cleared_at)
         VALUES ({placeholders})
         ON CONFLICT (alarm, subject, instance) DO UPDATE SET
             raised_at = CASE WHEN alarms.cleared_at IS NULL AND alarms.raised_at < excluded.raised_at
                 THEN alarms.raised_at ELSE excluded.raised_at END,
             last_seen_at = CASE WHEN alarms.last_seen_at > excluded.last_seen_at
                 THEN alarms.last_seen_at ELSE excluded.last_seen_at END,
             counted = excluded.counted + CASE WHEN alarms.cleared_at IS NULL THEN alarms.counted ELSE 0 END,
             ends_at = excluded.ends_at,
             cleared_at = CASE WHEN alarms.cleared_at IS NULL AND alarms.last_seen_at > excluded.cleared_at
                 THEN NULL ELSE excluded.cleared_at END,
             reported = CASE WHEN alarms.cleared_at IS NULL THEN alarms.reported END
         WHERE alarms.cleared_at IS NULL OR excluded.last_seen_at >= alarms.cleared_at OR {is_new}"
    )
}

/// The list. `instance` is the placeholder of the instance.
fn list_sql(filter: &AlarmFilter, instance: &str) -> String {
    let condition = match filter {
        AlarmFilter::OfOrigin(_) => format!(
            "WHERE cleared_at IS NULL AND instance IN ('', {instance})
                 OR cleared_at IS NOT NULL AND reported = 'raised'"
        ),
        AlarmFilter::Active => "WHERE cleared_at IS NULL".to_owned(),
        AlarmFilter::All => String::new(),
    };
    format!(
        "SELECT alarm, subject, instance, raised_at, last_seen_at, counted, ends_at, cleared_at,
             reported IS NOT NULL AS is_reported
         FROM alarms {condition} ORDER BY alarm, subject, instance LIMIT {ALARMS_LISTED_MAX}"
    )
}

/// Marks one change as reported, of the time of an alarm that began then or before. The placeholders are
/// those of alarm, subject, instance and beginning.
fn mark_sql(change: AlarmChange, [alarm, subject, instance, raised_at]: [&str; 4]) -> String {
    let (word, is_news) = match change {
        AlarmChange::Raised => ("raised", "reported IS NULL"),
        AlarmChange::Cleared => ("cleared", "cleared_at IS NOT NULL"),
    };
    format!(
        "UPDATE alarms SET reported = '{word}' WHERE alarm = {alarm} AND subject = {subject}
             AND instance = {instance} AND raised_at <= {raised_at} AND {is_news}"
    )
}
