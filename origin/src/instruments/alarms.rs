//! The alarms that are active: raised, counted and cleared in memory, so that none waits for a
//! database, and one about the database works.
//!
//! Everything is bounded. What is raised again is counted, and is an error in the log at most once
//! an hour. [`super::AlarmRecord`]s take the state to the database and back; see
//! [`crate::alarm_watch`], which does.

use super::alarm::{Alarm, AlarmKind};
use super::alarm_key::{ALARMS_MAX, AlarmKey};
use super::alarm_record::{ActiveAlarm, AlarmChange, AlarmNews, AlarmRecord, ReportedAlarm, StoredAlarm};
use super::alarm_state::{Entry, OTHERS, State};
use crate::ambient::Clock;
use onbill_domain::timestamp::Timestamp;
use std::collections::BTreeSet;
use std::collections::btree_map::Entry as Place;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;

/// Seconds after which an alarm that is raised again is an error in the log again.
const LOG_AGAIN_SECONDS: i64 = 3_600;

/// The alarms of one origin.
pub struct Alarms {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// How often each began since the start, in the order of [`Alarm::ALL`]. One that is active already is
    /// not counted again.
    raised: [AtomicU64; Alarm::ALL.len()],
    /// For the one who writes the state, and for the one who posts the news.
    changed: Notify,
    news_came: Notify,
    webhook: WebhookCounts,
}

/// What became of the posts to the alarm webhook since the start.
#[derive(Debug, Default)]
pub struct WebhookCounts {
    /// Posts that the receiver took.
    pub posted: AtomicU64,
    /// Attempts that failed.
    pub failed: AtomicU64,
    /// Posts that were dropped, because too many waited.
    pub dropped: AtomicU64,
}

impl Alarms {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            state: Mutex::default(),
            raised: std::array::from_fn(|_| AtomicU64::new(0)),
            changed: Notify::new(),
            news_came: Notify::new(),
            webhook: WebhookCounts::default(),
        }
    }

    /// Notes that the reason of an alarm is there. The subject distinguishes two of a kind: a partner,
    /// a file, a job, a gateway, our own id of a charge. It is never a number, nor what a caller has
    /// chosen. Returns whether the alarm belongs into the log as an error; [`raise_alarm!`] does
    /// both.
    pub fn raise(&self, alarm: Alarm, subject: &str) -> bool {
        self.raise_until(alarm, subject, None)
    }

    /// Notes the same of an alarm that is over at a known time, such as the end of the hour.
    pub fn raise_until(&self, alarm: Alarm, subject: &str, ends_at: Option<Timestamp>) -> bool {
        let now = self.clock.now();
        let mut state = self.lock();
        let mut key = AlarmKey::new(alarm, subject);
        if state.active.len() >= ALARMS_MAX && !state.active.contains_key(&key) {
            key = AlarmKey::new(alarm, OTHERS);
        }
        let State { active, news, is_loaded, .. } = &mut *state;
        let is_log_due = match active.entry(key) {
            Place::Occupied(mut place) => {
                let entry = place.get_mut();
                entry.note_again(now, ends_at);
                entry.is_log_due(now, LOG_AGAIN_SECONDS)
            }
            Place::Vacant(place) => {
                let entry = Entry::new(now, ends_at, *is_loaded);
                let active = entry.to_active(place.key());
                news.push(AlarmNews::new(AlarmChange::Raised, active, None), &self.webhook.dropped);
                place.insert(entry);
                self.raised[alarm as usize].fetch_add(1, Ordering::Relaxed);
                self.notify_changed();
                true
            }
        };
        drop(state);
        is_log_due
    }

    /// Notes that the reason of an alarm is gone. What is not active stays so.
    pub fn clear(&self, alarm: Alarm, subject: &str) {
        let key = AlarmKey::new(alarm, subject);
        if self.lock().end(&key, self.clock.now(), &self.webhook.dropped) {
            self.log_cleared(&key);
        }
    }

    /// Notes that the reason of an alarm is gone for every subject but these. While one of these has
    /// no place of its own, the alarm of the others stays.
    pub fn clear_others<S: AsRef<str>>(&self, alarm: Alarm, subjects: &[S]) {
        let mut kept: BTreeSet<AlarmKey> =
            subjects.iter().map(|subject| AlarmKey::new(alarm, subject.as_ref())).collect();
        let state = self.lock();
        if kept.iter().any(|key| !state.active.contains_key(key)) {
            kept.insert(AlarmKey::new(alarm, OTHERS));
        }
        let others = |key: &AlarmKey| key.alarm == alarm && !kept.contains(key);
        let ended: Vec<AlarmKey> = state.active.keys().filter(|key| others(key)).cloned().collect();
        drop(state);
        for AlarmKey { alarm, subject } in ended {
            self.clear(alarm, &subject);
        }
    }

    /// Ends the conditions whose time is over, and those that nothing has confirmed for too long.
    pub fn end_due(&self) {
        let now = self.clock.now();
        let is_due = |key: &AlarmKey, entry: &Entry| {
            key.alarm.kind() == AlarmKind::Condition
                && match entry.ends_at {
                    Some(at) => at <= now,
                    None => now.seconds_since(entry.last_seen_at) > key.alarm.silence_seconds(),
                }
        };
        let due: Vec<AlarmKey> = self
            .lock()
            .active
            .iter()
            .filter(|(key, entry)| is_due(key, entry))
            .map(|(key, _)| key.clone())
            .collect();
        for AlarmKey { alarm, subject } in due {
            self.clear(alarm, &subject);
        }
    }

    /// The active alarms, by name and subject.
    pub fn snapshot(&self) -> Vec<ActiveAlarm> {
        self.lock().active.iter().map(|(key, entry)| entry.to_active(key)).collect()
    }

    /// Whether the alarm is active.
    pub fn is_active(&self, alarm: Alarm, subject: &str) -> bool {
        self.lock().active.contains_key(&AlarmKey::new(alarm, subject))
    }

    /// How often the alarm was raised since the start, without repetitions of one that is active.
    pub fn raised_total(&self, alarm: Alarm) -> u64 {
        self.raised[alarm as usize].load(Ordering::Relaxed)
    }

    /// What became of the posts to the alarm webhook.
    pub fn webhook_counts(&self) -> &WebhookCounts {
        &self.webhook
    }

    /// Completes when an alarm was raised or cleared since the last time.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }

    /// Keeps what changes for the alarm webhook of the origin with this name, from now on.
    pub(crate) fn keep_news(&self, instance: &str) {
        self.lock().news.keep(instance);
    }

    /// Completes when something has come for the alarm webhook since the last time.
    pub(crate) async fn news_came(&self) {
        self.news_came.notified().await;
    }

    /// So many changes that the alarm webhook may send now.
    pub(crate) fn list_due_news(&self, limit: usize) -> Vec<AlarmNews> {
        self.lock().news.list_due(limit)
    }

    /// The change that waits after the one with this number, due or not.
    pub(crate) fn find_news_after(&self, number: Option<u64>) -> Option<AlarmNews> {
        self.lock().news.find_after(number)
    }

    /// How long it takes until a change may be reported, if one waits.
    pub(crate) fn next_news_in(&self) -> Option<Duration> {
        self.lock().news.next_due_in()
    }

    /// Notes whether the receiver has taken a change. It is sent again until it has.
    pub(crate) fn note_reported(&self, news: &AlarmNews, is_taken: bool) {
        self.lock().news.note_attempt(news.number, is_taken);
    }

    /// What was reported and is not marked so in the database.
    pub(crate) fn list_reported(&self) -> Vec<ReportedAlarm> {
        self.lock().news.list_reported()
    }

    /// Notes that the database has marked these.
    pub(crate) fn forget_reported(&self, marked: &[ReportedAlarm]) {
        self.lock().news.forget_reported(marked);
    }

    /// What the database does not have yet.
    pub(crate) fn list_unwritten(&self) -> Vec<AlarmRecord> {
        self.lock().list_unwritten(self.clock.now())
    }

    /// Notes that the database has these.
    pub(crate) fn mark_written(&self, records: &[AlarmRecord]) {
        let now = self.clock.now();
        let mut state = self.lock();
        for record in records {
            state.mark_written(record, now);
        }
    }

    /// Takes over what the database has as active, after what was unwritten was written. An alarm
    /// that it no longer has was closed by a person, or another origin has found that it is over.
    pub(crate) fn adopt(&self, stored: Vec<StoredAlarm>) {
        let (now, mut state) = (self.clock.now(), self.lock());
        let gone = state.adopt(stored, now, &self.webhook.dropped);
        drop(state);
        // What has waited for the table may be sent now.
        self.news_came.notify_one();
        for key in gone {
            self.log_cleared(&key);
        }
    }

    fn log_cleared(&self, key: &AlarmKey) {
        tracing::info!(cleared_alarm = key.alarm.as_str(), subject = key.subject, "an alarm has ended");
        self.notify_changed();
    }

    fn notify_changed(&self) {
        self.changed.notify_one();
        self.news_came.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Raises an alarm and says so in the log: as an error with `alarm=` when it is news, and as
/// information with `repeated_alarm=` when it is active already. A line has the subject, if there is
/// one. The other fields and the message are those of `tracing::error!`.
macro_rules! raise_alarm {
    ($alarms:expr, $alarm:expr, $subject:expr, $($line:tt)+) => {{
        let alarm: $crate::instruments::Alarm = $alarm;
        let subject: &str = $subject;
        let is_news = $alarms.raise(alarm, subject);
        let subject = Some(subject).filter(|subject| !subject.is_empty());
        if is_news {
            tracing::error!(alarm = alarm.as_str(), subject, $($line)+);
        } else {
            tracing::info!(repeated_alarm = alarm.as_str(), subject, $($line)+);
        }
    }};
}
pub(crate) use raise_alarm;

#[cfg(test)]
mod tests;
