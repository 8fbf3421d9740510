//! Many seeds, on all cores: a thread plays one seed after the other, each in a world and a runtime of its own. A seed
//! that fails is told with how to play it again, and the rest goes on.

use super::run::{Origins, Run};
use super::weather::Weather;
use std::any::Any;
use std::fmt::Write as _;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::{available_parallelism, scope};

/// So many seeds meet each kind of weather; a handful meets only some of it.
const SEEDS_OF_ALL_WEATHER: u64 = 200;
/// Of a cause that makes many seeds fail, a few tell all there is to tell.
const FAILURES_TOLD_MAX: usize = 10;
/// Lines in which a campaign tells how far it is.
const PROGRESS_LINES: u64 = 1000;

/// Plays the usual seeds, or those that whoever runs the test asks for, and checks what came of them.
pub(super) fn of(origins: Origins, usual: u64) {
    let from = number("ONBILL_SEED_FROM").unwrap_or(0);
    let seeds = number("ONBILL_SEEDS").unwrap_or(usual);
    let report = play(origins, &(from..from + seeds));
    println!("met: {}", report.weather);
    report.check();
    let missing = report.weather.missing();
    assert!(seeds < SEEDS_OF_ALL_WEATHER || missing.is_empty(), "never met: {missing:?}");
}

#[expect(clippy::disallowed_methods, reason = "how far a test goes is for whoever runs it to say")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// What came of all seeds.
struct Report {
    origins: Origins,
    of: u64,
    played: u64,
    weather: Weather,
    /// The seeds that failed, and why.
    failed: Vec<(u64, String)>,
}

fn play(origins: Origins, seeds: &Range<u64>) -> Report {
    let next = AtomicU64::new(seeds.start);
    let of = seeds.end - seeds.start;
    let report =
        Mutex::new(Report { origins, of, played: 0, weather: Weather::default(), failed: Vec::new() });
    let threads = available_parallelism().map_or(1, usize::from);
    scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if !seeds.contains(&seed) {
                        break;
                    }
                    let outcome = play_one(origins, seed);
                    report.lock().unwrap_or_else(PoisonError::into_inner).note(seed, outcome);
                }
            });
        }
    });
    report.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// What one seed met, or why it failed.
fn play_one(origins: Origins, seed: u64) -> Result<Weather, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    let played = catch_unwind(AssertUnwindSafe(|| {
        runtime.block_on(async {
            let mut run = Run::new(seed, origins).await;
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

impl Report {
    fn note(&mut self, seed: u64, outcome: Result<Weather, String>) {
        self.played += 1;
        match outcome {
            Ok(weather) => self.weather.add(&weather),
            Err(why) => {
                // At once: a long run may be stopped before its end.
                println!("{}", self.told(seed, &why));
                self.failed.push((seed, why));
            }
        }
        if self.played.is_multiple_of(self.of.div_ceil(PROGRESS_LINES)) || self.played == self.of {
            println!("{} of {} seeds, {} failed", self.played, self.of, self.failed.len());
        }
    }

    /// Panics with everything that a person needs when a seed failed.
    fn check(&self) {
        let mut failed: Vec<&(u64, String)> = self.failed.iter().collect();
        failed.sort();
        let mut text = format!("{} of {} seeds failed\n", failed.len(), self.played);
        for (seed, why) in failed.iter().take(FAILURES_TOLD_MAX) {
            writeln!(text, "{}", self.told(*seed, why)).expect("text takes text");
        }
        let rest: Vec<u64> = failed.iter().skip(FAILURES_TOLD_MAX).map(|(seed, _)| *seed).collect();
        assert!(failed.is_empty(), "{text}and {rest:?}");
    }

    fn told(&self, seed: u64, why: &str) -> String {
        let database = match self.origins {
            Origins::One => "",
            Origins::Two => " --database postgres",
        };
        format!("seed {seed}: {why}\nreplay with: cargo xtask sim --seed {seed}{database}")
    }
}
