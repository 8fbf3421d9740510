//! What the alarm webhook has yet to report. A change stays here until the receiver has taken it, and the
//! table of alarms remembers that it has: so none is lost by a crash, and a receiver may get one twice.
//!
//! The id of a post follows from when the alarm was raised. So a change waits until the table has been
//! asked: after a restart, or beside another origin, the alarm may be known there since earlier.

use super::alarm_key::{ALARMS_MAX, AlarmKey};
use super::alarm_record::{AlarmChange, AlarmNews, ReportedAlarm, StoredAlarm};
use onbill_domain::timestamp::Timestamp;
use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

/// Changes that wait for the webhook: as many as alarms can be active, so that a receiver that was
/// away learns of each.
const NEWS_MAX: usize = ALARMS_MAX;
/// How long a change waits for the table. While the database is away, it is sent without.
const HOLD: Duration = Duration::from_secs(15);
/// Pauses before the second, third, … attempt; the last one is that between all further attempts.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_mins(2),
    Duration::from_mins(10),
];
/// After so many seconds another origin, or the program of before a restart, has not reported what the
/// table has: then this one does.
const TOLD_BY_OTHERS_SECONDS: i64 = 60;

/// The changes that wait, and those that were reported and are to be marked so.
#[derive(Default)]
pub(super) struct News {
    /// The name of this origin. Nothing is kept before it is known.
    instance: Option<String>,
    next_number: u64,
    waiting: VecDeque<Waiting>,
    reported: VecDeque<ReportedAlarm>,
}

struct Waiting {
    news: AlarmNews,
    key: AlarmKey,
    /// Until then it waits for the table.
    held_until: Option<Instant>,
    failed: usize,
    next_at: Instant,
}

impl Waiting {
    /// When it may be reported.
    fn due_at(&self) -> Instant {
        self.held_until.map_or(self.next_at, |held| held.max(self.next_at))
    }
}

impl News {
    /// Keeps news from now on.
    pub(super) fn keep(&mut self, instance: &str) {
        self.instance = Some(instance.to_owned());
    }

    /// With too many, the oldest goes: the receiver learns of what is current.
    pub(super) fn push(&mut self, mut news: AlarmNews, dropped: &AtomicU64) {
        if self.instance.is_none() {
            return;
        }
        if self.waiting.len() >= NEWS_MAX {
            self.waiting.pop_front();
            dropped.fetch_add(1, Ordering::Relaxed);
        }
        let (now, key) = (Instant::now(), AlarmKey::new(news.alarm.alarm, &news.alarm.subject));
        news.number = self.next_number;
        self.next_number += 1;
        self.waiting.push_back(Waiting { news, key, held_until: Some(now + HOLD), failed: 0, next_at: now });
    }

    /// Those that may be sent now. The end of an alarm waits for its beginning.
    pub(super) fn list_due(&self, limit: usize) -> Vec<AlarmNews> {
        let now = Instant::now();
        let due = self.first_of_each().filter(|waiting| waiting.due_at() <= now);
        due.take(limit).map(|waiting| waiting.news.clone()).collect()
    }

    /// The next one after this number, whether or not it is due.
    pub(super) fn find_after(&self, number: Option<u64>) -> Option<AlarmNews> {
        let mut first = self.first_of_each();
        let next = first.find(|waiting| number.is_none_or(|number| waiting.news.number > number));
        next.map(|waiting| waiting.news.clone())
    }

    /// How long it takes until one is due, if one waits.
    pub(super) fn next_due_in(&self) -> Option<Duration> {
        let next = self.first_of_each().map(Waiting::due_at).min();
        next.map(|next| next.saturating_duration_since(Instant::now()))
    }

    fn first_of_each(&self) -> impl Iterator<Item = &Waiting> {
        let mut seen = BTreeSet::new();
        self.waiting.iter().filter(move |waiting| seen.insert((&waiting.key, &waiting.news.other_origin)))
    }

    /// Notes what became of an attempt.
    pub(super) fn note_attempt(&mut self, number: u64, is_taken: bool) {
        let Some(place) = self.waiting.iter().position(|waiting| waiting.news.number == number) else {
            return;
        };
        if is_taken {
            if let Some(Waiting { news, key, .. }) = self.waiting.remove(place) {
                self.push_reported(ReportedAlarm {
                    alarm: key.alarm,
                    subject: key.subject,
                    other_origin: news.other_origin,
                    raised_at: news.alarm.raised_at,
                    change: news.change,
                });
            }
            return;
        }
        let waiting = &mut self.waiting[place];
        let pause = PAUSES.get(waiting.failed).or(PAUSES.last()).copied().unwrap_or_default();
        waiting.failed += 1;
        waiting.next_at = Instant::now() + pause;
    }

    /// While the database takes nothing, the oldest goes: it would only be reported again.
    fn push_reported(&mut self, reported: ReportedAlarm) {
        if self.reported.len() >= NEWS_MAX {
            self.reported.pop_front();
        }
        self.reported.push_back(reported);
    }

    pub(super) fn list_reported(&self) -> Vec<ReportedAlarm> {
        self.reported.iter().cloned().collect()
    }

    pub(super) fn forget_reported(&mut self, marked: &[ReportedAlarm]) {
        self.reported.retain(|reported| !marked.contains(reported));
    }

    /// Takes over what the table says of an alarm that is active: since when it is, and whether that was
    /// reported.
    pub(super) fn adopt_active(&mut self, key: &AlarmKey, stored: &StoredAlarm) {
        let is_raise = |waiting: &Waiting| waiting.key == *key && waiting.news.change == AlarmChange::Raised;
        if stored.is_reported {
            self.waiting.retain(|waiting| !is_raise(waiting));
        }
        for waiting in self.waiting.iter_mut().filter(|waiting| is_raise(waiting)) {
            waiting.news.alarm.raised_at = stored.raised_at.min(waiting.news.alarm.raised_at);
            waiting.held_until = None;
        }
    }

    /// The table has nothing to say of the others that are over.
    pub(super) fn let_go(&mut self, is_active: impl Fn(&AlarmKey) -> bool) {
        for waiting in &mut self.waiting {
            if waiting.news.change == AlarmChange::Cleared || !is_active(&waiting.key) {
                waiting.held_until = None;
            }
        }
    }

    /// Reports what has been in the table for long without being reported: its own origin was stopped or
    /// killed before it could, or is gone.
    pub(super) fn adopt_unreported(&mut self, stored: &StoredAlarm, now: Timestamp, dropped: &AtomicU64) {
        let (change, since) = match stored.cleared_at {
            Some(at) => (AlarmChange::Cleared, at),
            None if stored.is_reported => return,
            None => (AlarmChange::Raised, stored.raised_at),
        };
        let own = self.instance.as_deref().unwrap_or_default();
        let other_origin = Some(stored.instance.as_str()).filter(|name| !["", own].contains(name));
        let is_it = |alarm, subject: &str, origin: Option<&str>| {
            alarm == stored.alarm && subject == stored.subject && origin == other_origin
        };
        let is_known =
            self.waiting.iter().any(|Waiting { key, news, .. }| {
                is_it(key.alarm, &key.subject, news.other_origin.as_deref())
            }) || self.reported.iter().any(|reported| {
                reported.change == change
                    && is_it(reported.alarm, &reported.subject, reported.other_origin.as_deref())
            });
        let is_full = self.waiting.len() >= NEWS_MAX;
        if is_known || is_full || now.seconds_since(since) <= TOLD_BY_OTHERS_SECONDS {
            return;
        }
        self.push(AlarmNews::of_stored(change, stored, other_origin.map(str::to_owned)), dropped);
        if let Some(waiting) = self.waiting.back_mut() {
            waiting.held_until = None;
        }
    }
}
