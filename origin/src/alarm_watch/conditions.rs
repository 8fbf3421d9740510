//! The conditions that a round judges: each is raised while it holds, and cleared when it does not.

use super::watch::{AlarmWatch, PATIENCE, Seen};
use crate::instruments::{Alarm, Receiver, raise_alarm};
use crate::store::StoreError;
use onbill_domain::timestamp::Timestamp;
use std::sync::atomic::Ordering;
use std::sync::{MutexGuard, PoisonError};

/// Seconds between two looks at the ledger, which cost a query each, and at keys.
const LEDGER_SECONDS: i64 = 60;
/// For so many seconds the database must continue to fail before it is an alarm: longer than a failover
/// takes, or a lock.
const DATABASE_FAILING_SECONDS: i64 = 20;
/// After so many seconds without a failure the database works again: readiness writes in between.
const DATABASE_WORKS_SECONDS: i64 = 30;
/// So many days before a key expires, its alarm begins: it takes two parties to replace one.
const KEY_EXPIRES_DAYS: i64 = 30;

/// A condition that holds for a subject.
pub(super) struct ActiveCondition {
    subject: String,
    /// What the log says of it beside the message; empty when the message says all.
    reason: String,
}

impl ActiveCondition {
    pub(super) fn new(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), reason: reason.into() }
    }
}

impl AlarmWatch {
    /// Raises the alarm for each of these, and clears it for all other subjects.
    pub(super) fn raise_only(&self, alarm: Alarm, active: Vec<ActiveCondition>, message: &str) {
        self.raise_each(alarm, &active, message);
        let alarms = &self.instruments.alarms;
        let subjects: Vec<String> = active.into_iter().map(|active| active.subject).collect();
        alarms.clear_others(alarm, &subjects);
    }

    /// Raises the alarm for each of these, and leaves all other subjects as they are.
    pub(super) fn raise_each(&self, alarm: Alarm, active: &[ActiveCondition], message: &str) {
        for ActiveCondition { subject, reason } in active {
            if self.instruments.alarms.raise(alarm, subject) {
                let reason = Some(reason.as_str()).filter(|reason| !reason.is_empty());
                tracing::error!(alarm = alarm.as_str(), subject, reason, "{message}");
            }
        }
    }

    pub(super) fn judge_signals(&self) {
        self.judge_receivers();
        self.judge_clocks();
        self.judge_signatures();
        let recovering = self.is_recovering.then(|| ActiveCondition::new("", ""));
        self.raise_only(
            Alarm::Recovering,
            recovering.into_iter().collect(),
            "the ledger is being recovered: calls that decide by it are refused",
        );
    }

    pub(super) fn judge_admin_port(&self) {
        let taken = self.is_admin_port_taken.load(Ordering::Relaxed).then(|| ActiveCondition::new("", ""));
        self.raise_only(
            Alarm::AdminPortTaken,
            taken.into_iter().collect(),
            "another program has the port of the admin listener: name another in admin_listen",
        );
    }

    /// Whom we call is out of reach, or reached, by what calls have shown. Without any, an alarm stays as
    /// it is: after a restart, nothing is known at first.
    fn judge_receivers(&self) {
        let (alarms, signals) = (&self.instruments.alarms, &self.instruments.signals);
        for receiver in signals.unreachable() {
            let (alarm, subject) = alarm_of(&receiver);
            raise_alarm!(alarms, alarm, subject, "calls to it have failed for five minutes");
        }
        for receiver in signals.reached() {
            let (alarm, subject) = alarm_of(&receiver);
            alarms.clear(alarm, subject);
        }
    }

    fn judge_clocks(&self) {
        let (alarms, signals) = (&self.instruments.alarms, &self.instruments.signals);
        for (party, ahead) in signals.skewed_clocks() {
            let reason = format!("{ahead} s ahead of ours");
            raise_alarm!(alarms, Alarm::ClockSkew, &party, reason, "the clock of a caller differs from ours");
        }
        for party in signals.agreeing_clocks() {
            alarms.clear(Alarm::ClockSkew, &party);
        }
    }

    fn judge_signatures(&self) {
        let signals = &self.instruments.signals;
        let broken = signals.broken_signers().into_iter();
        let broken = broken.map(|(signer, [refused, all])| {
            ActiveCondition::new(signer, format!("{refused} of {all} calls"))
        });
        self.raise_only(
            Alarm::SignaturesRefused,
            broken.collect(),
            "most calls of a party have a signature that is refused",
        );
        let strangers =
            signals.stranger_calls().map(|calls| ActiveCondition::new("", format!("{calls} calls")));
        self.raise_only(
            Alarm::UnknownCallers,
            strangers.into_iter().collect(),
            "many calls have no signature, or one of an unknown key",
        );
    }

    /// The store has no alarms at hand: it only notes which use case has panicked.
    pub(super) fn raise_for_panics(&self) {
        for use_case in self.store.take_panicked() {
            let alarms = &self.instruments.alarms;
            raise_alarm!(alarms, Alarm::Panicked, use_case, "an operation of the ledger has panicked");
        }
    }

    pub(super) fn judge_database(&self) {
        let (failures, now) = (self.store.failures(), self.clock.now());
        let is_failing = self.seen().note_failures(failures, now);
        let active =
            is_failing.then(|| ActiveCondition::new("", format!("{failures} failures since the start")));
        self.raise_only(
            Alarm::DatabaseFailing,
            active.into_iter().collect(),
            "statements of the database fail",
        );
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
            Some(ActiveCondition::new(format!("{}/{}", key.key_use.as_str(), key.id), at.to_string()))
        });
        self.raise_only(Alarm::KeyExpiring, expiring.collect(), "a key of the ring has to be replaced");
    }

    pub(super) async fn look_at_ledger(&self) {
        let looked = async {
            self.look_at_dead_letters().await?;
            self.look_for_charges().await?;
            self.look_at_subscriptions().await
        };
        match tokio::time::timeout(PATIENCE, looked).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(fault = %error, "the ledger could not be checked for alarms"),
            Err(_) => tracing::warn!("the ledger was not checked for alarms in time"),
        }
    }

    /// A dead letter is there until a person deals with it. So the alarm lasts as long as one does.
    async fn look_at_dead_letters(&self) -> Result<(), StoreError> {
        let kinds = self.store.list_dead_letter_kinds().await?;
        let active = kinds.into_iter().map(|kind| ActiveCondition::new(kind.as_str(), ""));
        self.raise_only(Alarm::OutboxParked, active.collect(), "jobs have used up their attempts");
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
                        silent.push(ActiveCondition::new(partner.as_str(), newest.to_string()));
                    }
                    _ => {}
                }
            }
        }
        self.raise_only(Alarm::NoCharges, silent, "a partner has posted no charge for a long time");
        Ok(())
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The alarm about a receiver that is out of reach, and its subject.
fn alarm_of(receiver: &Receiver) -> (Alarm, &str) {
    match receiver {
        Receiver::Edge => (Alarm::EdgeUnreachable, ""),
        Receiver::Partner(partner) => (Alarm::PartnerUnreachable, partner.as_str()),
        Receiver::Billing => (Alarm::BillingUnreachable, "charges"),
        Receiver::Accounts => (Alarm::BillingUnreachable, "accounts"),
        Receiver::SmsGateway(gateway) => (Alarm::SmsUnreachable, gateway),
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
    fn database_alarm_needs_lasting_failures() {
        let at = Timestamp::from_unix_seconds;
        let mut seen = Seen::default();
        let rounds = [
            // One failure, such as a lock, is none.
            (0, 0, false),
            (10, 1, false),
            (20, 1, false),
            (40, 1, false),
            // Now it continues.
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
