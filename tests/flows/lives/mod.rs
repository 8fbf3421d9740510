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
mod books;
mod edge;
mod operator;
mod outcomes;
mod partner;
mod plan;
mod play;
mod truth;
mod wire;

use crate::seeds::Campaign;
use books::Books;
use outcomes::OUTCOMES;
use plan::Plan;
use play::{Failure, play};

const LIVES: Campaign = Campaign { usual: 1500, meets_all: 1500, replay: " --lives", names: all_names };

fn all_names() -> Vec<&'static str> {
    plan::all_actions().map(|action| action.name).chain(OUTCOMES).collect()
}

#[test]
fn subscriber_never_pays_for_another() {
    LIVES.run(|| {
        let books = Books::new();
        move |seed| {
            let plan = Plan::of(seed);
            match play(&books, &plan) {
                Ok(life) => life.tally,
                Err(failure) => panic!("{}", shortened(&books, plan, failure)),
            }
        }
    });
}

#[test]
fn life_is_the_same_each_time() {
    let books = [Books::new(), Books::new()];
    for seed in 0..50 {
        let plan = Plan::of(seed);
        let story = |books| play(books, &plan).map_or_else(|failure| failure.story, |life| life.story);
        assert_eq!(story(&books[0]), story(&books[1]), "seed {seed}");
    }
}

/// The story of a plan that fails, without the steps that are not needed for the failure.
fn shortened(books: &Books, mut plan: Plan, mut failure: Failure) -> String {
    for at in (0..plan.steps.len()).rev() {
        let shorter = plan.without(at);
        if let Err(same) = play(books, &shorter) {
            (plan, failure) = (shorter, same);
        }
    }
    format!("{:?}, {:?}\n{}\n{}", plan.accounts, plan.manner, failure.story, failure.why)
}
