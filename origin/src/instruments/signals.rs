//! What calls have shown so far: which receivers take our calls, how far the clocks of callers are
//! off, and whose signatures are refused. Each note is a few instructions on the way of a call;
//! [`crate::alarm_watch`] judges them now and then.
//!
//! Nothing is concluded without evidence: a receiver that was not called, and a clock that has not been seen
//! since the start, are neither good nor bad.

use super::signer_counts::SignerCounts;
use crate::ambient::Clock;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Calls of a party that its clock is judged by.
const CLOCK_SAMPLES: usize = 21;
/// With fewer of them nothing is concluded: one call may have waited for long on its way.
const CLOCK_SAMPLES_MIN: usize = 5;
/// Difference of two clocks that people should know of, in seconds: a fifth of what signatures
/// allow. What differs by more than that is refused altogether.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// For so many seconds, from the first failed call to the last, a receiver must have taken none. A
/// restart takes less. What counts is the stretch that failures have spanned, and not the time since:
/// with several origins on one ledger, another one may have made the next call, with success.
const UNREACHABLE_SECONDS: i64 = 300;
/// So many calls must have failed in that stretch: two may be two accidents.
const FAILURES_MIN: u32 = 3;
/// A failure that comes so many seconds after the one before belongs to no stretch with it. The
/// longest pause between two attempts at a job is a day and a fifth.
const SAME_STRETCH_SECONDS: i64 = 30 * 3_600;
/// For so many seconds a failure confirms the alarm: several rounds of the watch. From then on it is
/// silent.
const CONFIRMS_SECONDS: i64 = 60;

/// Whom this origin calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    Edge,
    Partner(PartnerId),
    /// The operator's CSP API, as far as it is about charges and refunds.
    Billing,
    /// The same, as far as it looks accounts up.
    Accounts,
    /// An SMS gateway that is called for each SMS, by its name.
    SmsGateway(&'static str),
}

/// Calls to a receiver since the last one that it took.
#[derive(Clone, Copy)]
struct Failing {
    since: Timestamp,
    last: Timestamp,
    count: u32,
}

pub struct Signals {
    clock: Arc<dyn Clock>,
    /// The receivers that were called; `None` when the last call was taken.
    called: Mutex<BTreeMap<Receiver, Option<Failing>>>,
    /// Seconds that each party's clock was ahead of ours in its last calls.
    clocks: Mutex<BTreeMap<String, VecDeque<i64>>>,
    signers: Mutex<SignerCounts>,
}

impl Signals {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, called: Mutex::default(), clocks: Mutex::default(), signers: Mutex::default() }
    }

    /// Notes whether a receiver has taken a call.
    pub(crate) fn note_call(&self, receiver: Receiver, was_taken: bool) {
        let mut called = lock_mutex(&self.called);
        let seen = called.entry(receiver).or_default();
        if was_taken {
            *seen = None;
            return;
        }
        let now = self.clock.now();
        let before = seen.filter(|failing| now.seconds_since(failing.last) <= SAME_STRETCH_SECONDS);
        let (since, count) = before.map_or((now, 0), |failing| (failing.since, failing.count));
        *seen = Some(Failing { since, last: now, count: count.saturating_add(1) });
    }

    /// Notes by how many seconds the clock of a verified party is ahead of ours. `party` is a
    /// partner, `edge` or `operator`.
    pub(crate) fn note_clock(&self, party: &str, seconds_ahead: i64) {
        let mut clocks = lock_mutex(&self.clocks);
        if !clocks.contains_key(party) {
            clocks.insert(party.to_owned(), VecDeque::with_capacity(CLOCK_SAMPLES));
        }
        let Some(samples) = clocks.get_mut(party) else { return };
        if samples.len() == CLOCK_SAMPLES {
            samples.pop_front();
        }
        samples.push_back(seconds_ahead);
    }

    /// Notes that a signature was right. `signer` is a partner, `edge` or `operator`.
    pub(crate) fn note_verified(&self, signer: &str) {
        lock_mutex(&self.signers).note_verified(self.clock.now(), signer);
    }

    /// Notes that a signature was refused; `signer` is whose key it names, if we know that.
    pub(crate) fn note_refused(&self, signer: Option<&str>) {
        lock_mutex(&self.signers).note_refused(self.clock.now(), signer);
    }

    /// Receivers that have just failed, and have taken no call for [`UNREACHABLE_SECONDS`].
    pub(crate) fn unreachable(&self) -> Vec<Receiver> {
        let now = self.clock.now();
        let is_long = |failing: Failing| {
            failing.count >= FAILURES_MIN
                && failing.last.seconds_since(failing.since) >= UNREACHABLE_SECONDS
                && now.seconds_since(failing.last) <= CONFIRMS_SECONDS
        };
        let called = lock_mutex(&self.called);
        called.iter().filter(|(_, seen)| seen.is_some_and(is_long)).map(|(who, _)| who.clone()).collect()
    }

    /// Receivers that have taken the last call.
    pub(crate) fn reached(&self) -> Vec<Receiver> {
        lock_mutex(&self.called)
            .iter()
            .filter(|(_, seen)| seen.is_none())
            .map(|(who, _)| who.clone())
            .collect()
    }

    /// Parties whose clocks differ from ours by more than [`CLOCK_SKEW_SECONDS`], with the seconds
    /// that they are ahead: the median of their last calls.
    pub(crate) fn skewed_clocks(&self) -> Vec<(String, i64)> {
        let medians = self.medians().into_iter();
        medians.filter(|(_, ahead)| ahead.abs() > CLOCK_SKEW_SECONDS).collect()
    }

    /// Parties whose clocks agree with ours.
    pub(crate) fn agreeing_clocks(&self) -> Vec<String> {
        let medians = self.medians().into_iter();
        medians.filter(|(_, ahead)| ahead.abs() <= CLOCK_SKEW_SECONDS).map(|(party, _)| party).collect()
    }

    fn medians(&self) -> Vec<(String, i64)> {
        let clocks = lock_mutex(&self.clocks);
        clocks.iter().filter_map(|(party, samples)| Some((party.clone(), median(samples)?))).collect()
    }

    /// The signers whose key or program is broken, with how many of their calls were refused, and how
    /// many there were.
    pub(crate) fn broken_signers(&self) -> Vec<(String, [u32; 2])> {
        lock_mutex(&self.signers).broken(self.clock.now())
    }

    /// How many calls had no signature, or that of a key that we do not have, when those are many.
    pub(crate) fn stranger_calls(&self) -> Option<u32> {
        lock_mutex(&self.signers).strangers(self.clock.now())
    }
}

fn median(samples: &VecDeque<i64>) -> Option<i64> {
    if samples.len() < CLOCK_SAMPLES_MIN {
        return None;
    }
    let mut sorted: Vec<i64> = samples.iter().copied().collect();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied()
}

fn lock_mutex<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    #[derive(Default)]
    struct HandClock(AtomicI64);

    impl Clock for HandClock {
        fn now(&self) -> Timestamp {
            Timestamp::from_unix_seconds(self.0.load(Ordering::Relaxed))
        }
    }

    fn start() -> (Arc<HandClock>, Signals) {
        let clock = Arc::new(HandClock::default());
        (clock.clone(), Signals::new(clock))
    }

    #[test]
    fn median_ignores_a_few_late_calls() {
        let (_, signals) = start();
        for ahead in [0, 1, 0, -250, -200] {
            signals.note_clock("netflix", ahead);
        }
        assert_eq!(signals.skewed_clocks(), []);
        (0..CLOCK_SAMPLES).for_each(|_| signals.note_clock("edge", 61));
        (0..CLOCK_SAMPLES_MIN - 1).for_each(|_| signals.note_clock("operator", 3_600));
        assert_eq!(signals.skewed_clocks(), [("edge".to_owned(), 61)]);
        assert_eq!(signals.agreeing_clocks(), ["netflix"], "of the operator's nothing is known");
        (0..CLOCK_SAMPLES).for_each(|_| signals.note_clock("edge", -60));
        assert_eq!(signals.skewed_clocks(), []);
    }

    /// Calls at these seconds fail. Returns what is out of reach at the last of them.
    fn after_failures(seconds: &[i64]) -> Vec<Receiver> {
        let (clock, signals) = start();
        for at in seconds {
            clock.0.store(*at, Ordering::Relaxed);
            signals.note_call(Receiver::Edge, false);
        }
        signals.unreachable()
    }

    #[test]
    fn receiver_is_unreachable_when_failures_have_spanned_five_minutes() {
        assert_eq!(after_failures(&[0, 10, 299]), []);
        assert_eq!(after_failures(&[0, 10, 300]), [Receiver::Edge]);
        assert_eq!(after_failures(&[0, 86_400]), [], "two failures are no stretch");
        assert_eq!(after_failures(&[0, 10, 11 + SAME_STRETCH_SECONDS]), [], "nor is one of last week");
    }

    #[test]
    fn one_failure_never_becomes_more_by_waiting() {
        let (clock, signals) = start();
        signals.note_call(Receiver::Edge, false);
        for hours in 0..48 {
            clock.0.store(hours * 3_600, Ordering::Relaxed);
            assert_eq!(signals.unreachable(), [], "after {hours} hours");
        }
        assert_eq!(signals.reached(), [], "and is no success either");
    }

    #[test]
    fn conclusion_needs_evidence() {
        let (clock, signals) = start();
        for at in [0, 10, 300] {
            clock.0.store(at, Ordering::Relaxed);
            signals.note_call(Receiver::Billing, false);
        }
        clock.0.store(300 + CONFIRMS_SECONDS, Ordering::Relaxed);
        assert_eq!(signals.unreachable(), [Receiver::Billing]);
        clock.0.store(301 + CONFIRMS_SECONDS, Ordering::Relaxed);
        assert_eq!((signals.unreachable(), signals.reached()), (vec![], vec![]), "nothing new is known");
        signals.note_call(Receiver::Billing, true);
        assert_eq!((signals.unreachable(), signals.reached()), (vec![], vec![Receiver::Billing]));
    }
}
