//! Many seeds, on all cores: a thread runs one seed after the other. A seed that fails is reported
//! with how to run it again, and the others continue. What a seed runs is up to the caller.

use onbill_test_harness::environment::read_number;
use std::any::Any;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Formatter, Write as _};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{available_parallelism, scope};

/// Of a cause that makes many seeds fail, a few reports are enough.
const FAILURES_SHOWN_MAX: usize = 10;
/// Lines of progress that a campaign prints.
const PROGRESS_LINES: u64 = 1000;

/// What seeds met, counted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutcomeTally(BTreeMap<&'static str, u64>);

impl OutcomeTally {
    pub(crate) fn count(&mut self, name: impl Into<&'static str>) {
        *self.0.entry(name.into()).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        for (name, count) in &other.0 {
            *self.0.entry(name).or_default() += count;
        }
    }

    fn missing_names(&self, names: Vec<&'static str>) -> Vec<&'static str> {
        names.into_iter().filter(|name| !self.0.contains_key(name)).collect()
    }
}

impl Display for OutcomeTally {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (at, (name, count)) in self.0.iter().enumerate() {
            write!(f, "{}{count} {name}", if at == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Something to run by the seed.
pub(crate) struct SeedCampaign {
    /// The default number of seeds.
    pub(crate) usual: u64,
    /// This many seeds meet everything; a handful meets only some of it.
    pub(crate) meets_all: u64,
    /// The arguments after `cargo xtask sim --seed N` that run a seed again.
    pub(crate) replay: &'static str,
    /// The names of all actions and outcomes: a campaign in which one of them never happens proves
    /// nothing about it.
    pub(crate) names: fn() -> Vec<&'static str>,
}

impl SeedCampaign {
    /// Runs the usual seeds, or those that the environment selects, and checks the results. Each
    /// thread makes its own `player`, which panics when a seed fails.
    pub(crate) fn run<P: FnMut(u64) -> OutcomeTally>(&self, player: impl Fn() -> P + Sync) {
        let from = read_number("ONBILL_SEED_FROM").unwrap_or(0);
        let seeds = read_number("ONBILL_SEEDS").unwrap_or(self.usual);
        let report = self.play(&(from..from + seeds), player);
        println!("met: {}", report.met);
        report.check();
        let missing = report.met.missing_names((self.names)());
        assert!(seeds < self.meets_all || missing.is_empty(), "never met: {missing:?}");
    }

    fn play<P: FnMut(u64) -> OutcomeTally>(
        &self,
        seeds: &Range<u64>,
        player: impl Fn() -> P + Sync,
    ) -> CampaignReport {
        let next = AtomicU64::new(seeds.start);
        let of = seeds.end - seeds.start;
        let report = Mutex::new(CampaignReport {
            replay: self.replay,
            of,
            played: 0,
            met: OutcomeTally::default(),
            failed: Vec::new(),
        });
        let threads = available_parallelism().map_or(1, usize::from);
        scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    let mut play = player();
                    loop {
                        let seed = next.fetch_add(1, Ordering::Relaxed);
                        if !seeds.contains(&seed) {
                            break;
                        }
                        let outcome = catch_unwind(AssertUnwindSafe(|| play(seed)))
                            .map_err(|panic| panic_message(&*panic));
                        if outcome.is_err() {
                            // The next seed must not get the state of the failed one.
                            play = player();
                        }
                        report.lock().unwrap_or_else(PoisonError::into_inner).note(seed, outcome);
                    }
                });
            }
        });
        report.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

/// The results of all seeds.
struct CampaignReport {
    replay: &'static str,
    of: u64,
    played: u64,
    met: OutcomeTally,
    /// The seeds that failed, and why.
    failed: Vec<(u64, String)>,
}

impl CampaignReport {
    fn note(&mut self, seed: u64, outcome: Result<OutcomeTally, String>) {
        self.played += 1;
        match outcome {
            Ok(met) => self.met.add(&met),
            Err(why) => {
                // At once: a long run may be stopped before its end.
                println!("{}", self.describe_failure(seed, &why));
                self.failed.push((seed, why));
            }
        }
        if self.played.is_multiple_of(self.of.div_ceil(PROGRESS_LINES)) || self.played == self.of {
            println!("{} of {} seeds, {} failed", self.played, self.of, self.failed.len());
        }
    }

    /// Panics with everything that a developer needs when a seed failed.
    fn check(&self) {
        let mut failed: Vec<&(u64, String)> = self.failed.iter().collect();
        failed.sort();
        let mut text = format!("{} of {} seeds failed\n", failed.len(), self.played);
        for (seed, why) in failed.iter().take(FAILURES_SHOWN_MAX) {
            writeln!(text, "{}", self.describe_failure(*seed, why)).expect("text takes text");
        }
        let rest: Vec<u64> = failed.iter().skip(FAILURES_SHOWN_MAX).map(|(seed, _)| *seed).collect();
        assert!(failed.is_empty(), "{text}and {rest:?}");
    }

    fn describe_failure(&self, seed: u64, why: &str) -> String {
        format!("seed {seed}: {why}\nreplay with: cargo xtask sim --seed {seed}{}", self.replay)
    }
}
