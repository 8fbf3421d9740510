//! Bad weather, by the seed. A run makes customers sign up and the partner charge them, again and again and at once,
//! while links lose requests and answers, billing answers garbage, the edge's store forgets, clocks jump, numbers
//! change hands and the origin dies at any step. When the weather has cleared, an audit with its own eyes on the
//! database and on the bills checks the invariants of `ARCHITECTURE.md`.
//!
//! `ONBILL_SEEDS=N` runs more than the usual number, `ONBILL_SEED=S` one that failed.

mod audit;
mod dice;
mod run;

use run::Run;

/// Enough to meet each kind of weather in each kind of step, in well under a minute.
const USUAL_SEEDS: u64 = 150;

#[tokio::test]
async fn whatever_fails_each_charge_is_on_the_right_bill_once() {
    if let Some(seed) = number("ONBILL_SEED") {
        return Run::new(seed).play().await;
    }
    let seeds = number("ONBILL_SEEDS").unwrap_or(USUAL_SEEDS);
    let mut weather = run::Weather::default();
    for seed in 0..seeds {
        let mut run = Run::new(seed);
        run.play().await;
        weather.add(&run.weather);
        if seeds > USUAL_SEEDS && (seed + 1) % 100 == 0 {
            println!("{} of {seeds} seeds; {weather:?}", seed + 1);
        }
    }
    println!("{seeds} seeds: {weather:?}");
    // A simulation that meets no bad weather proves nothing.
    assert!(weather.is_bad(), "{weather:?}");
}

#[tokio::test]
async fn a_seed_is_the_same_run_each_time() {
    for seed in 0..8 {
        let (mut once, mut again) = (Run::new(seed), Run::new(seed));
        once.play().await;
        again.play().await;
        assert_eq!(once.told(), again.told(), "seed {seed}");
    }
}

#[expect(clippy::disallowed_methods, reason = "how far a test goes is for whoever runs it to say")]
fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}
