//! The simulation of the whole system under faults, by the seed. A run makes customers sign up and
//! the partner charge them, partner and operator give money back, and the operator sell coupons that are
//! sent, redeemed and given away, repeatedly and concurrently, while links lose requests and responses, billing responds with
//! garbage, the SMS gateway is busy or reports too early, the edge's store loses entries and is an
//! hour stale, clocks jump, numbers change hands, the operator reports it late, and the origin
//! crashes at any step. After the faults are cleared, an audit with its own reads of the database,
//! the bills and the phones checks the invariants of `ARCHITECTURE.md`, and what `docs/coupons.md`
//! promises.
//!
//! `cargo xtask sim` runs more seeds than the tests do, and reruns one that failed.

mod accounts;
mod actions;
mod audit;
mod charges;
mod coupons;
mod desk_refunds;
mod faults;
mod gateway;
mod outcomes;
mod refunds;
mod run;
mod subscribers;

use crate::seed_campaign::{OutcomeTally, SeedCampaign};
use actions::action_names;
use outcomes::RunOutcome;
use run::{OriginCount, SimulationRun};

/// Enough to meet each kind of fault in each kind of step, in well under a minute.
const ALONE: SeedCampaign = SeedCampaign { usual: 150, meets_all: 150, replay: "", names: all_names };
/// Each takes longer, as its commits wait for a disk.
const RACES: SeedCampaign =
    SeedCampaign { usual: 15, meets_all: 150, replay: " --database postgres", names: all_names };

fn all_names() -> Vec<&'static str> {
    action_names().chain(RunOutcome::NAMES.iter().copied()).collect()
}

/// Runs each seed in a test system and a runtime of its own; returns what it met.
fn run_seed(origins: OriginCount, seed: u64) -> OutcomeTally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    runtime.block_on(async {
        let mut run = SimulationRun::new(seed, origins).await;
        run.play().await;
        run.tally
    })
}

#[test]
fn charge_is_billed_once_whatever_fails() {
    ALONE.run(|| |seed| run_seed(OriginCount::One, seed));
}

/// Needs `DATABASE_URL`, and fails with a message without it. Two programs race, so that a seed is
/// not the same run each time: it only fixes the actions.
#[test]
fn two_origins_on_one_database_charge_once() {
    RACES.run(|| |seed| run_seed(OriginCount::Two, seed));
}

#[tokio::test]
async fn seed_is_the_same_run_each_time() {
    for seed in 0..8 {
        let (mut once, mut again) = (
            SimulationRun::new(seed, OriginCount::One).await,
            SimulationRun::new(seed, OriginCount::One).await,
        );
        once.play().await;
        again.play().await;
        assert_eq!(once.to_transcript(), again.to_transcript(), "seed {seed}");
    }
}
