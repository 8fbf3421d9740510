//! The state behind [`super::Alarms`]: what is active, and what has ended and is not written yet.

use super::alarm_key::{ALARMS_MAX, AlarmKey};
use super::alarm_news::News;
use super::alarm_record::{ActiveAlarm, AlarmChange, AlarmNews, AlarmRecord, StoredAlarm};
use onbill_domain::timestamp::Timestamp;
use std::collections::btree_map::Entry as Place;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::AtomicU64;

/// The subject of what is beyond [`ALARMS_MAX`].
pub(super) const OTHERS: &str = "others";
/// Seconds after which the database learns that an alarm continues: a write each time would be one
/// every few seconds for as long as it lasts.
const WRITE_AGAIN_SECONDS: i64 = 60;

/// An active alarm.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    raised_at: Timestamp,
    pub(super) last_seen_at: Timestamp,
    count: u64,
    pub(super) ends_at: Option<Timestamp>,
    /// When it was last an error in the log; `None` when this program has not logged it yet.
    logged_at: Option<Timestamp>,
    unwritten: Unwritten,
    /// When it was last written to the database; `None` when it was not.
    written_at: Option<Timestamp>,
    /// It was raised after its last end was known, and the database does not know yet.
    is_new: bool,
}

/// How often an alarm was noticed since the last write to the database, and when first.
#[derive(Clone, Copy, Debug)]
struct Unwritten {
    first_seen_at: Timestamp,
    count: u64,
}

impl Entry {
    /// One that is raised. `is_new` is whether the database was seen to have none like it before.
    pub(super) fn new(now: Timestamp, ends_at: Option<Timestamp>, is_new: bool) -> Self {
        Self {
            raised_at: now,
            last_seen_at: now,
            count: 1,
            ends_at,
            logged_at: Some(now),
            unwritten: Unwritten { first_seen_at: now, count: 1 },
            written_at: None,
            is_new,
        }
    }

    fn from_stored(stored: &StoredAlarm) -> Self {
        Self {
            raised_at: stored.raised_at,
            last_seen_at: stored.last_seen_at,
            count: stored.count,
            ends_at: stored.ends_at,
            logged_at: None,
            unwritten: Unwritten { first_seen_at: stored.last_seen_at, count: 0 },
            written_at: Some(stored.last_seen_at),
            is_new: false,
        }
    }

    pub(super) fn note_again(&mut self, now: Timestamp, ends_at: Option<Timestamp>) {
        if self.unwritten.count == 0 {
            self.unwritten.first_seen_at = now;
        }
        self.last_seen_at = now;
        self.count = self.count.saturating_add(1);
        self.unwritten.count = self.unwritten.count.saturating_add(1);
        self.ends_at = ends_at;
    }

    /// Whether it is time to log it as an error again. A clock that was set back does not put that
    /// off for longer than usual.
    pub(super) fn is_log_due(&mut self, now: Timestamp, again_seconds: i64) -> bool {
        let is_recent = |at: Timestamp| (0..again_seconds).contains(&now.seconds_since(at));
        if self.logged_at.is_some_and(is_recent) {
            return false;
        }
        self.logged_at = Some(now);
        true
    }

    pub(super) fn to_active(&self, key: &AlarmKey) -> ActiveAlarm {
        ActiveAlarm {
            alarm: key.alarm,
            subject: key.subject.clone(),
            raised_at: self.raised_at,
            last_seen_at: self.last_seen_at,
            count: self.count,
        }
    }

    fn to_record(&self, key: &AlarmKey, cleared_at: Option<Timestamp>) -> AlarmRecord {
        AlarmRecord {
            alarm: key.alarm,
            subject: key.subject.clone(),
            first_seen_at: self.unwritten.first_seen_at,
            last_seen_at: self.last_seen_at,
            count: self.unwritten.count,
            ends_at: self.ends_at,
            cleared_at,
            is_new: self.is_new,
        }
    }

    fn is_worth_writing(&self, now: Timestamp) -> bool {
        let is_recent = |at: Timestamp| (0..WRITE_AGAIN_SECONDS).contains(&now.seconds_since(at));
        self.unwritten.count > 0 && !self.written_at.is_some_and(is_recent)
    }
}

#[derive(Default)]
pub(super) struct State {
    pub(super) active: BTreeMap<AlarmKey, Entry>,
    /// What has ended, and is active in the database.
    ended: VecDeque<AlarmRecord>,
    pub(super) news: News,
    /// Whether the database was read since the start.
    pub(super) is_loaded: bool,
    /// What was found to be over before that: it may be active in the database.
    early_cleared: BTreeSet<AlarmKey>,
}

impl State {
    /// Ends an alarm. False when it was not active.
    pub(super) fn end(&mut self, key: &AlarmKey, now: Timestamp, dropped: &AtomicU64) -> bool {
        let Some(entry) = self.active.remove(key) else {
            if !self.is_loaded && self.early_cleared.len() < ALARMS_MAX {
                self.early_cleared.insert(key.clone());
            }
            return false;
        };
        self.push_ended(entry.to_record(key, Some(now)));
        self.queue_cleared(key, &entry, now, dropped);
        true
    }

    fn queue_cleared(&mut self, key: &AlarmKey, entry: &Entry, now: Timestamp, dropped: &AtomicU64) {
        let news = AlarmNews::new(AlarmChange::Cleared, entry.to_active(key), Some(now));
        self.news.push(news, dropped);
    }

    /// While the database takes nothing, the oldest goes: it would only be history.
    fn push_ended(&mut self, record: AlarmRecord) {
        if self.ended.len() >= ALARMS_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(record);
    }

    pub(super) fn list_unwritten(&self, now: Timestamp) -> Vec<AlarmRecord> {
        let active = self.active.iter().filter(|(_, entry)| entry.is_worth_writing(now));
        self.ended.iter().cloned().chain(active.map(|(key, entry)| entry.to_record(key, None))).collect()
    }

    pub(super) fn mark_written(&mut self, record: &AlarmRecord, now: Timestamp) {
        if record.cleared_at.is_some() {
            self.ended.retain(|ended| ended != record);
            return;
        }
        // It may have ended meanwhile, and be counted twice: that is no harm.
        let Some(entry) = self.active.get_mut(&AlarmKey::new(record.alarm, &record.subject)) else { return };
        entry.unwritten.count = entry.unwritten.count.saturating_sub(record.count);
        entry.unwritten.first_seen_at = entry.last_seen_at;
        entry.written_at = Some(now);
        entry.is_new = false;
    }

    /// Takes over what the database has as active, and what is over there without having been reported.
    /// Returns those that it no longer has as active.
    pub(super) fn adopt(
        &mut self,
        stored: Vec<StoredAlarm>,
        now: Timestamp,
        dropped: &AtomicU64,
    ) -> Vec<AlarmKey> {
        let (over, stored): (Vec<_>, Vec<_>) =
            stored.into_iter().partition(|stored| stored.cleared_at.is_some());
        let stored: BTreeMap<AlarmKey, StoredAlarm> =
            stored.into_iter().map(|stored| (AlarmKey::new(stored.alarm, &stored.subject), stored)).collect();
        let is_gone = |key: &AlarmKey, entry: &Entry| entry.unwritten.count == 0 && !stored.contains_key(key);
        let gone: Vec<AlarmKey> = self
            .active
            .iter()
            .filter(|(key, entry)| is_gone(key, entry))
            .map(|(key, _)| key.clone())
            .collect();
        for key in &gone {
            if let Some(entry) = self.active.remove(key) {
                self.queue_cleared(key, &entry, now, dropped);
            }
        }
        for (key, stored) in stored {
            // The end is written the next time, and what has begun since is another alarm.
            if self.ended.iter().any(|ended| ended.alarm == key.alarm && ended.subject == key.subject) {
                continue;
            }
            self.news.adopt_active(&key, &stored);
            self.adopt_one(key.clone(), &stored, now, dropped);
            if self.active.contains_key(&key) {
                self.news.adopt_unreported(&stored, now, dropped);
            }
        }
        for stored in &over {
            self.news.adopt_unreported(stored, now, dropped);
        }
        let State { active, news, .. } = self;
        news.let_go(|key| active.contains_key(key));
        self.is_loaded = true;
        self.early_cleared.clear();
        gone
    }

    fn adopt_one(&mut self, key: AlarmKey, stored: &StoredAlarm, now: Timestamp, dropped: &AtomicU64) {
        let was_cleared = self.early_cleared.contains(&key);
        match self.active.entry(key) {
            Place::Occupied(mut place) => {
                let entry = place.get_mut();
                entry.raised_at = stored.raised_at.min(entry.raised_at);
                entry.count = stored.count.saturating_add(entry.unwritten.count);
                entry.last_seen_at = stored.last_seen_at.max(entry.last_seen_at);
            }
            Place::Vacant(place) if was_cleared => {
                let (key, entry) = (place.into_key(), Entry::from_stored(stored));
                self.push_ended(entry.to_record(&key, Some(now)));
                self.queue_cleared(&key, &entry, now, dropped);
            }
            Place::Vacant(place) => {
                place.insert(Entry::from_stored(stored));
            }
        }
    }
}
