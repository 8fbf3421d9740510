//! Whole lifecycles of PAIs, by the seed, fast: one origin's database and outbox with the edge's
//! real mapping rule, and a simple model of the parties around them. Customers sign up, move to
//! other numbers, leave, and their numbers are reassigned; the operator reports it late, in any
//! order, twice, and wrongly; charges wait, are submitted and settled while all that happens; the
//! edge's store is up to an hour stale. No customer may ever pay for another.
//!
//! Every call stops on the network until a step lets it continue, so that anything can happen in
//! between, and a seed is the same run each time. A seed that fails is shortened to the steps that
//! it takes.
//!
//! Not here: signatures and routes of incoming calls, sign-up pages, PINs, limits. Those are in the
//! simulation of the whole system, which is far slower.

mod audit;
mod edge;
mod ground_truth;
mod lifecycle;
mod lifecycle_db;
mod operator;
mod outcomes;
mod partner;
mod plan;
mod stopping_network;

use crate::seed_campaign::SeedCampaign;
use lifecycle::{LifecycleFailure, run_lifecycle};
use lifecycle_db::LifecycleDb;
use outcomes::OUTCOMES;
use plan::LifecyclePlan;

const LIVES: SeedCampaign =
    SeedCampaign { usual: 1500, meets_all: 1500, replay: " --lifecycles", names: all_names };

fn all_names() -> Vec<&'static str> {
    plan::all_actions().map(|action| action.name).chain(OUTCOMES).collect()
}

#[test]
fn subscriber_never_pays_for_another() {
    LIVES.run(|| {
        let db = LifecycleDb::new();
        move |seed| {
            let plan = LifecyclePlan::of(seed);
            match run_lifecycle(&db, &plan) {
                Ok(run) => run.tally,
                Err(failure) => panic!("{}", shorten_failure(&db, plan, failure)),
            }
        }
    });
}

#[test]
fn life_is_the_same_each_time() {
    let db = [LifecycleDb::new(), LifecycleDb::new()];
    for seed in 0..50 {
        let plan = LifecyclePlan::of(seed);
        let story = |db| run_lifecycle(db, &plan).map_or_else(|failure| failure.story, |run| run.story);
        assert_eq!(story(&db[0]), story(&db[1]), "seed {seed}");
    }
}

/// The story of a plan that fails, without the steps that are not needed for the failure.
fn shorten_failure(db: &LifecycleDb, mut plan: LifecyclePlan, mut failure: LifecycleFailure) -> String {
    for at in (0..plan.steps.len()).rev() {
        let shorter = plan.without(at);
        if let Err(same) = run_lifecycle(db, &shorter) {
            (plan, failure) = (shorter, same);
        }
    }
    format!("{:?}, {:?}\n{}\n{}", plan.accounts, plan.manner, failure.story, failure.why)
}
