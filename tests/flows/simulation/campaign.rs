//! Many seeds, on all cores: a thread plays one seed after the other, each in a world and a runtime of its own. A seed
//! that fails is told with how to play it again, and the rest goes on.

use super::run::Run;
use super::weather::Weather;
use std::any::Any;
use std::fmt::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{available_parallelism, scope};

/// Of a cause that makes many seeds fail, a few tell all there is to tell.
const FAILURES_TOLD_MAX: usize = 10;
/// Lines in which a campaign tells how far it is.
const PROGRESS_LINES: u64 = 1000;

/// What came of all seeds.
#[derive(Default)]
pub(super) struct Report {
    played: u64,
    pub(super) weather: Weather,
    /// The seeds that failed, and why.
    failed: Vec<(u64, String)>,
}

/// Plays all seeds of a range.
pub(super) fn play(seeds: &Range<u64>) -> Report {
    let next = AtomicU64::new(seeds.start);
    let report = Mutex::new(Report::default());
    let threads = available_parallelism().map_or(1, usize::from);
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    let outcome = play_one(seed);
                    hold(&report).note(seed, outcome, seeds.end - seeds.start);
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What one seed met, or why it failed.
fn play_one(seed: u64) -> Result<Weather, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut run = Run::new(seed);
            run.play().await;
            run.weather
        })
    }));
    played.map_err(|panic| message(&*panic))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}

fn hold(report: &Mutex<Report>) -> MutexGuard<'_, Report> {
    report.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Report {
    fn note(&mut self, seed: u64, outcome: Result<Weather, String>, of: u64) {
        self.played += 1;
        match outcome {
            Ok(weather) => self.weather.add(&weather),
            Err(why) => {
                // At once: a long run may be stopped before its end.
                println!("{}", told(seed, &why));
                self.failed.push((seed, why));
            }
        }
        if self.played.is_multiple_of(of.div_ceil(PROGRESS_LINES)) || self.played == of {
            println!("{} of {of} seeds, {} failed", self.played, self.failed.len());
        }
    }

    /// Panics with everything that a person needs when a seed failed.
    pub(super) fn check(&self) {
        let mut sorted: Vec<&(u64, String)> = self.failed.iter().collect();
        sorted.sort();
        let mut text = format!("{} of {} seeds failed\n", sorted.len(), self.played);
        for (seed, why) in sorted.iter().take(FAILURES_TOLD_MAX) {
            writeln!(text, "{}", told(*seed, why)).expect("text takes text");
        }
        let rest: Vec<u64> = sorted.iter().skip(FAILURES_TOLD_MAX).map(|(seed, _)| *seed).collect();
        assert!(sorted.is_empty(), "{text}and {rest:?}");
    }
}

fn told(seed: u64, why: &str) -> String {
    format!("seed {seed}: {why}\nreplay with: cargo xtask sim --seed {seed}")
}
