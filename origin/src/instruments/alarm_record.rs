//! What metrics, webhook and database get of an alarm.

use super::alarm::Alarm;
use onbill_domain::timestamp::Timestamp;

/// An alarm that is active.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveAlarm {
    pub alarm: Alarm,
    /// Tells two of a kind apart; empty where there is only one.
    pub subject: String,
    pub raised_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// How often it was noticed since it was raised.
    pub count: u64,
}

onbill_domain::word_enum! {
    /// What has become of an alarm.
    pub enum AlarmChange {
        Raised = "raised",
        Cleared = "cleared",
    }
}

/// A change that the alarm webhook reports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmNews {
    pub change: AlarmChange,
    pub alarm: ActiveAlarm,
    pub cleared_at: Option<Timestamp>,
    /// The origin that it is about, if that is another than this one. It is gone: a living one has had the
    /// first turn.
    pub other_origin: Option<String>,
    /// Its place in the order of what this program reports.
    pub number: u64,
}

impl AlarmNews {
    pub(super) fn new(change: AlarmChange, alarm: ActiveAlarm, cleared_at: Option<Timestamp>) -> Self {
        Self { change, alarm, cleared_at, other_origin: None, number: 0 }
    }

    /// A change that the database has.
    pub(super) fn of_stored(change: AlarmChange, stored: &StoredAlarm, other_origin: Option<String>) -> Self {
        let alarm = ActiveAlarm {
            alarm: stored.alarm,
            subject: stored.subject.clone(),
            raised_at: stored.raised_at,
            last_seen_at: stored.last_seen_at,
            count: stored.count,
        };
        Self { other_origin, ..Self::new(change, alarm, stored.cleared_at) }
    }
}

/// A change that the receiver of the webhook has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportedAlarm {
    pub alarm: Alarm,
    pub subject: String,
    /// As in [`AlarmNews`].
    pub other_origin: Option<String>,
    pub raised_at: Timestamp,
    pub change: AlarmChange,
}

/// What the database is to learn of an alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlarmRecord {
    pub alarm: Alarm,
    pub subject: String,
    /// When it was noticed for the first time since the last write to the database.
    pub first_seen_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// How often it was noticed since then. With 0 it only ends.
    pub count: u64,
    /// When it is over, if that is known.
    pub ends_at: Option<Timestamp>,
    /// When it was over.
    pub cleared_at: Option<Timestamp>,
    /// It was raised by one who knew that the last one like it was over: it is another one, even if the
    /// clock of the origin that ended it was ahead.
    pub is_new: bool,
}

/// An alarm as the database has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAlarm {
    pub alarm: Alarm,
    pub subject: String,
    /// The origin that it is about; empty if it is about the ledger.
    pub instance: String,
    pub raised_at: Timestamp,
    pub last_seen_at: Timestamp,
    pub count: u64,
    pub ends_at: Option<Timestamp>,
    pub cleared_at: Option<Timestamp>,
    /// Whether the receiver of the webhook knows that it was raised.
    pub is_reported: bool,
}
