//! The conditions that a round judges: each is raised while it holds, and cleared when it does not.

use super::watch::{AlarmWatch, PATIENCE, Seen};
use crate::instruments::{Alarm, Receiver, raise_alarm};
use crate::store::StoreError;
use onbill_domain::timestamp::Timestamp;
use std::sync::{MutexGuard, PoisonError};

/// Seconds between two looks at the ledger, which cost a query each, and at keys.
const LEDGER_SECONDS: i64 = 60;
/// For so many seconds the database must go on failing before it is an alarm: longer than a failover
/// takes, or a lock.
const DATABASE_FAILING_SECONDS: i64 = 20;
/// After so many seconds without a failure the database works again: readiness writes in between.
const DATABASE_WORKS_SECONDS: i64 = 30;
/// Days before a key expires on which people are told: it takes two parties to replace one.
const KEY_EXPIRES_DAYS: i64 = 30;

/// A condition that holds for a subject.
struct Held {
    subject: String,
    /// What the log says of it beside the message.
    detail: String,
}

impl Held {
    fn new(subject: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { subject: subject.into(), detail: detail.into() }
    }
}

impl AlarmWatch {
    /// Raises the alarm for each of these, and clears it for all other subjects.
    fn hold(&self, alarm: Alarm, held: Vec<Held>, message: &str) {
        let alarms = &self.instruments.alarms;
        for Held { subject, detail } in &held {
            if alarms.raise(alarm, subject) {
                tracing::error!(alarm = alarm.as_str(), subject, detail, "{message}");
            }
        }
        let subjects: Vec<String> = held.into_iter().map(|held| held.subject).collect();
        alarms.clear_others(alarm, &subjects);
    }

    pub(super) fn judge_signals(&self) {
        let signals = &self.instruments.signals;
        let (mut edge, mut partners) = (Vec::new(), Vec::new());
        for receiver in signals.unreachable() {
            match receiver {
                Receiver::Edge => edge.push(Held::new("", "")),
                Receiver::Partner(partner) => partners.push(Held::new(partner.as_str(), "")),
            }
        }
        self.hold(Alarm::EdgeUnreachable, edge, "the edge has taken no call for a quarter of an hour");
        self.hold(
            Alarm::PartnerUnreachable,
            partners,
            "a partner has taken no webhook for a quarter of an hour",
        );
        let skewed = signals.skewed_clocks().into_iter();
        let skewed = skewed.map(|(party, ahead)| Held::new(party, format!("{ahead} s ahead of ours")));
        self.hold(Alarm::ClockSkew, skewed.collect(), "a caller's clock and ours differ");
        let storms = signals.refusal_storms().into_iter().map(|reason| Held::new(reason, ""));
        self.hold(Alarm::SignaturesRefused, storms.collect(), "the signatures of many calls are refused");
        let recovering = self.is_recovering.then(|| Held::new("", ""));
        self.hold(
            Alarm::Recovering,
            recovering.into_iter().collect(),
            "the ledger is being recovered: calls that decide by it are refused",
        );
    }

    /// The store has no alarms at hand: it only notes which use case has panicked.
    pub(super) fn raise_for_panics(&self) {
        for use_case in self.store.take_panicked() {
            let alarms = &self.instruments.alarms;
            raise_alarm!(alarms, Alarm::Panicked, use_case, use_case, "a use case of the ledger has panicked");
        }
    }

    pub(super) fn judge_database(&self) {
        let (failures, now) = (self.store.failures(), self.clock.now());
        let is_failing = self.seen().note_failures(failures, now);
        let held = is_failing.then(|| Held::new("", format!("{failures} failures since the start")));
        self.hold(Alarm::DatabaseFailing, held.into_iter().collect(), "statements of the database fail");
    }

    /// Whether a minute has passed since the last look at the ledger.
    pub(super) fn is_ledger_due(&self) -> bool {
        let (now, mut seen) = (self.clock.now(), self.seen());
        let is_recent = |at: Timestamp| (0..LEDGER_SECONDS).contains(&now.seconds_since(at));
        let is_due = !seen.ledger_at.is_some_and(is_recent);
        if is_due {
            seen.ledger_at = Some(now);
        }
        is_due
    }

    pub(super) fn look_at_keys(&self) {
        let soon = self.clock.now().plus_seconds(KEY_EXPIRES_DAYS * 86_400);
        let expiring = self.keys.keys().filter_map(|key| {
            let at = key.expires_at.filter(|at| *at <= soon)?;
            Some(Held::new(format!("{}/{}", key.key_use.as_str(), key.id), at.to_string()))
        });
        self.hold(Alarm::KeyExpiring, expiring.collect(), "a key of the ring has to be replaced");
    }

    pub(super) async fn look_at_ledger(&self) {
        let looked = async {
            self.look_at_dead_letters().await?;
            self.look_for_charges().await
        };
        match tokio::time::timeout(PATIENCE, looked).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "the ledger could not be looked at for alarms"),
            Err(_) => tracing::warn!("the ledger was not looked at for alarms in time"),
        }
    }

    /// A dead letter is there until a person has seen to it. So the alarm lasts as long as one does.
    async fn look_at_dead_letters(&self) -> Result<(), StoreError> {
        let kinds = self.store.list_dead_letter_kinds().await?;
        let held = kinds.into_iter().map(|kind| Held::new(kind.as_str(), ""));
        self.hold(Alarm::OutboxParked, held.collect(), "jobs have used up their attempts");
        Ok(())
    }

    /// A partner that has never posted a charge has not begun yet.
    async fn look_for_charges(&self) -> Result<(), StoreError> {
        let mut silent = Vec::new();
        if let Some(hours) = self.config.alarms.no_charges_hours {
            let since = self.clock.now().plus_seconds(-3_600 * i64::from(hours));
            for partner in self.config.partner_ids() {
                match self.store.find_newest_charge_time(partner.clone()).await? {
                    Some(newest) if newest < since => {
                        silent.push(Held::new(partner.as_str(), newest.to_string()));
                    }
                    _ => {}
                }
            }
        }
        self.hold(Alarm::NoCharges, silent, "a partner has posted no charge for long");
        Ok(())
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    /// Takes the present count of failures. Returns whether the database has been failing for long.
    fn note_failures(&mut self, failures: u64, now: Timestamp) -> bool {
        if failures > self.failures {
            let since = self.failing.map_or(now, |(since, _)| since);
            self.failing = Some((since, now));
        }
        self.failures = failures;
        let works = |last: Timestamp| now.seconds_since(last) >= DATABASE_WORKS_SECONDS;
        self.failing = self.failing.filter(|(_, last)| !works(*last));
        self.failing.is_some_and(|(since, last)| last.seconds_since(since) >= DATABASE_FAILING_SECONDS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn database_fails_when_it_goes_on_failing() {
        let at = Timestamp::from_unix_seconds;
        let mut seen = Seen::default();
        let rounds = [
            // One failure, such as a lock, is none.
            (0, 0, false),
            (10, 1, false),
            (20, 1, false),
            (40, 1, false),
            // Now it goes on.
            (50, 2, false),
            (60, 3, false),
            (70, 9, true),
            (90, 9, true),
            (100, 9, false),
            (110, 10, false),
        ];
        for (now, failures, expected) in rounds {
            assert_eq!(seen.note_failures(failures, at(now)), expected, "at {now}");
        }
    }
}
