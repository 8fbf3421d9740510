//! The simulation of a takeover, by the seed. Another system bills for the partner for some months. At a
//! random moment it is exported and loaded; it goes on charging, refunding and following account events,
//! is exported once more, and is cut over, some of the PAIs before the others. Then onbill charges, and the
//! partner repeats what it has posted at either system. Sometimes all is turned off, goes back, and is taken
//! over a second time. Customers get other numbers meanwhile, and numbers get other subscribers.
//!
//! The operator's one bill has the lines of both systems. In the end it has each charge once, none after
//! the customer has left or for a number's later subscriber, and each refund once; no PAI is lost, and
//! neither a customer nor the partner has got anything by the takeover.

mod accounts;
mod audit;
mod other_biller;
mod run;
mod second_try;

use crate::seed_campaign::{OutcomeTally, SeedCampaign};
use run::TakeoverRun;

/// Four customers live in each seed.
const TAKEOVERS: SeedCampaign =
    SeedCampaign { usual: 60, meets_all: 60, replay: " --takeovers", names: all_names };

/// What all seeds together must have met.
const MET: [&str; 24] = [
    "charged there",
    "charged here",
    "declined there",
    "declined here",
    "refunded there",
    "refunded here",
    "refunded here what was charged there",
    "repeated here what was charged there",
    "repeated here what was charged here",
    "charged again under another id",
    "refused for now",
    "suspended while dark",
    "left",
    "got another number before",
    "got another number while dark",
    "got another number when cut over",
    "number got a later subscriber before",
    "number got a later subscriber while dark",
    "number got a later subscriber when cut over",
    "got a later subscriber unnoticed",
    "turned off and taken over again",
    "refunded there what was charged here",
    "charged there what was cut over before",
    "went back",
];

fn all_names() -> Vec<&'static str> {
    MET.to_vec()
}

fn play(seed: u64) -> OutcomeTally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    runtime.block_on(async {
        let mut run = TakeoverRun::new(seed);
        run.play().await;
        run.tally
    })
}

#[test]
fn takeover_bills_each_charge_once() {
    TAKEOVERS.run(|| play);
}

#[test]
fn takeover_is_the_same_each_time() {
    for seed in 0..2 {
        assert_eq!(play(seed), play(seed), "seed {seed}");
    }
}
