//! What calls have shown so far: which receivers take our calls, how far the clocks of callers are
//! off, and which signatures were refused. Each note is a few instructions on the way of a call;
//! [`crate::alarm_watch`] judges them now and then.
//!
//! Nothing here comes from a caller whom nobody has verified, except the reason of a refusal, which
//! is ours.

use crate::ambient::Clock;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Calls of a party that its clock is judged by.
const CLOCK_SAMPLES: usize = 21;
/// With fewer of them nothing is said: one call may have waited for long on its way.
const CLOCK_SAMPLES_MIN: usize = 5;
/// Difference of two clocks that people should know of, in seconds: a fifth of what signatures
/// allow. What differs by more than that is refused altogether.
const CLOCK_SKEW_SECONDS: i64 = 60;

/// For so many seconds calls to a receiver must have failed without a success in between. A restart
/// or a deployment takes less.
const UNREACHABLE_SECONDS: i64 = 900;
/// A receiver that nothing was sent to for so many seconds is not known to be out of reach any more:
/// the longest pause between two attempts of a job is a day.
const FORGOTTEN_SECONDS: i64 = 26 * 3_600;

/// Refused signatures within [`REFUSED_SECONDS`] that are a storm. A partner that signs rightly has
/// none; a wrong key, a wrong clock or an attacker has as many as calls.
const REFUSED_MAX: u32 = 50;
/// The length of the window in which refusals are counted.
const REFUSED_SECONDS: i64 = 300;

/// Whom this origin calls.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Receiver {
    Edge,
    Partner(PartnerId),
}

/// Calls to a receiver since the last one that it took.
#[derive(Clone, Copy)]
struct Failing {
    since: Timestamp,
    last: Timestamp,
}

/// Refusals of one reason, in the present window and the one before.
#[derive(Clone, Copy, Default)]
struct Refused {
    window: i64,
    now: u32,
    before: u32,
}

pub struct Signals {
    clock: Arc<dyn Clock>,
    failing: Mutex<BTreeMap<Receiver, Failing>>,
    /// Seconds that each party's clock was ahead of ours in its last calls.
    clocks: Mutex<BTreeMap<String, VecDeque<i64>>>,
    refused: Mutex<BTreeMap<&'static str, Refused>>,
}

impl Signals {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, failing: Mutex::default(), clocks: Mutex::default(), refused: Mutex::default() }
    }

    /// Notes whether a receiver has taken a call.
    pub(crate) fn note_call(&self, receiver: Receiver, was_taken: bool) {
        let mut failing = lock(&self.failing);
        if was_taken {
            failing.remove(&receiver);
            return;
        }
        let now = self.clock.now();
        failing
            .entry(receiver)
            .and_modify(|failing| failing.last = now)
            .or_insert(Failing { since: now, last: now });
    }

    /// Notes by how many seconds the clock of a verified party is ahead of ours. `party` is a
    /// partner, `edge` or `operator`.
    pub(crate) fn note_clock(&self, party: &str, seconds_ahead: i64) {
        let mut clocks = lock(&self.clocks);
        if !clocks.contains_key(party) {
            clocks.insert(party.to_owned(), VecDeque::with_capacity(CLOCK_SAMPLES));
        }
        let Some(samples) = clocks.get_mut(party) else { return };
        if samples.len() == CLOCK_SAMPLES {
            samples.pop_front();
        }
        samples.push_back(seconds_ahead);
    }

    /// Notes that a signature was refused, for a reason of our own words.
    pub(crate) fn note_refused(&self, reason: &'static str) {
        let window = self.window();
        let mut refused = lock(&self.refused);
        let counts = refused.entry(reason).or_default();
        counts.roll(window);
        counts.now = counts.now.saturating_add(1);
    }

    /// Receivers that have taken no call for [`UNREACHABLE_SECONDS`], though there were some.
    pub(crate) fn unreachable(&self) -> Vec<Receiver> {
        let now = self.clock.now();
        let mut failing = lock(&self.failing);
        failing.retain(|_, failing| now.seconds_since(failing.last) <= FORGOTTEN_SECONDS);
        let is_long = |failing: &Failing| now.seconds_since(failing.since) >= UNREACHABLE_SECONDS;
        failing.iter().filter(|(_, failing)| is_long(failing)).map(|(receiver, _)| receiver.clone()).collect()
    }

    /// Parties whose clocks differ from ours by more than [`CLOCK_SKEW_SECONDS`], with the seconds
    /// that they are ahead: the median of their last calls.
    pub(crate) fn skewed_clocks(&self) -> Vec<(String, i64)> {
        let clocks = lock(&self.clocks);
        let medians = clocks.iter().filter_map(|(party, samples)| Some((party.clone(), median(samples)?)));
        medians.filter(|(_, ahead)| ahead.abs() > CLOCK_SKEW_SECONDS).collect()
    }

    /// The reasons for which more than [`REFUSED_MAX`] signatures were refused in the present window
    /// or the one before.
    pub(crate) fn refusal_storms(&self) -> Vec<&'static str> {
        let window = self.window();
        let mut refused = lock(&self.refused);
        refused.values_mut().for_each(|counts| counts.roll(window));
        refused
            .iter()
            .filter(|(_, counts)| counts.now.max(counts.before) > REFUSED_MAX)
            .map(|(reason, _)| *reason)
            .collect()
    }

    fn window(&self) -> i64 {
        self.clock.now().unix_seconds().div_euclid(REFUSED_SECONDS)
    }
}

impl Refused {
    fn roll(&mut self, window: i64) {
        if window != self.window {
            self.before = if window == self.window + 1 { self.now } else { 0 };
            self.now = 0;
            self.window = window;
        }
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

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
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
        (0..CLOCK_SAMPLES).for_each(|_| signals.note_clock("edge", -60));
        assert_eq!(signals.skewed_clocks(), []);
    }

    #[test]
    fn receiver_is_unreachable_after_a_quarter_of_an_hour() {
        let (clock, signals) = start();
        signals.note_call(Receiver::Edge, false);
        clock.0.store(UNREACHABLE_SECONDS - 1, Ordering::Relaxed);
        signals.note_call(Receiver::Edge, false);
        assert_eq!(signals.unreachable(), []);
        clock.0.store(UNREACHABLE_SECONDS, Ordering::Relaxed);
        assert_eq!(signals.unreachable(), [Receiver::Edge]);
        signals.note_call(Receiver::Edge, true);
        assert_eq!(signals.unreachable(), []);
    }

    #[test]
    fn receiver_that_nothing_is_sent_to_is_forgotten() {
        let (clock, signals) = start();
        signals.note_call(Receiver::Edge, false);
        clock.0.store(FORGOTTEN_SECONDS, Ordering::Relaxed);
        assert_eq!(signals.unreachable(), [Receiver::Edge]);
        clock.0.store(FORGOTTEN_SECONDS + 1, Ordering::Relaxed);
        assert_eq!(signals.unreachable(), []);
    }

    #[test]
    fn storm_is_over_after_a_quiet_window() {
        let (clock, signals) = start();
        (0..REFUSED_MAX).for_each(|_| signals.note_refused("stale"));
        assert_eq!(signals.refusal_storms(), [""; 0]);
        signals.note_refused("stale");
        assert_eq!(signals.refusal_storms(), ["stale"]);
        clock.0.store(REFUSED_SECONDS, Ordering::Relaxed);
        assert_eq!(signals.refusal_storms(), ["stale"], "nobody has looked in between");
        clock.0.store(2 * REFUSED_SECONDS, Ordering::Relaxed);
        assert_eq!(signals.refusal_storms(), [""; 0]);
    }
}
