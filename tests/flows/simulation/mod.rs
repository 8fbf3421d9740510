//! Bad weather, by the seed. A run makes customers sign up and the partner charge them, and the operator sell coupons that
//! are sent, typed in and given away, again and again and at once, while links lose requests and answers, billing answers
//! garbage, the gateway for text messages is busy or reports too early, the edge's store forgets and is an hour old, clocks
//! jump, numbers change hands, the operator tells of it when it is late, and the origin dies at any step. When the weather
//! has cleared, an audit with its own eyes on the database, on the bills and on the phones checks the invariants of
//! `ARCHITECTURE.md`, and what `docs/coupons.md` promises.
//!
//! `cargo xtask sim` plays more seeds than the tests do, and one that failed again.

mod accounts;
mod actions;
mod audit;
mod charges;
mod coupons;
mod faults;
mod gateway;
mod outcomes;
mod people;
mod refunds;
mod run;

use crate::seeds::{Campaign, Tally};
use actions::action_names;
use outcomes::Outcome;
use run::{Origins, Run};

/// Enough to meet each kind of weather in each kind of step, in well under a minute.
const ALONE: Campaign = Campaign { usual: 150, meets_all: 150, replay: "", names: all_names };
/// Each takes longer, as its commits wait for a disk.
const RACES: Campaign =
    Campaign { usual: 15, meets_all: 150, replay: " --database postgres", names: all_names };

fn all_names() -> Vec<&'static str> {
    action_names().chain(Outcome::NAMES.iter().copied()).collect()
}

/// Each seed in a world and a runtime of its own; gives what it met.
fn play(origins: Origins, seed: u64) -> Tally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    runtime.block_on(async {
        let mut run = Run::new(seed, origins).await;
        run.play().await;
        run.tally
    })
}

#[test]
fn charge_is_billed_once_whatever_fails() {
    ALONE.run(|| |seed| play(Origins::One, seed));
}

/// Needs `DATABASE_URL`, and says so. Two programs race, so that a seed is not the same run each time: what it fixes is
/// what is done to them.
#[test]
fn two_origins_on_one_database_charge_once() {
    RACES.run(|| |seed| play(Origins::Two, seed));
}

#[tokio::test]
async fn seed_is_the_same_run_each_time() {
    for seed in 0..8 {
        let (mut once, mut again) = (Run::new(seed, Origins::One).await, Run::new(seed, Origins::One).await);
        once.play().await;
        again.play().await;
        assert_eq!(once.told(), again.told(), "seed {seed}");
    }
}
