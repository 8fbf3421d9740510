//! The simulation of a lost history, by the seed. Customers sign up, are charged and refunded and
//! redeem coupons, while billing loses calls and answers and numbers change hands. At some step a
//! copy of the database is put back: a restore to an older point, with the origin recovering; or a
//! failover that lost the tail, which nobody notices until later. What was lost is adopted from the
//! partner's statement, billing's extract and the edge's store, and the partner repeats what it has
//! no answer to.
//!
//! In the end nothing is billed twice, nobody pays for somebody else, and everything on a bill is
//! in the ledger or in the report of what could not be adopted.

mod audit;
mod play;

use crate::seed_campaign::{OutcomeTally, SeedCampaign};
use play::RestoreRun;

const RESTORES: SeedCampaign =
    SeedCampaign { usual: 40, meets_all: 40, replay: " --restores", names: all_names };

/// What all seeds together must have met.
const MET: [&str; 14] = [
    "restored to an older point",
    "failover lost the tail",
    "charges billed",
    "refunds billed",
    "coupons billed",
    "numbers handed over",
    "lost charges on a bill",
    "lost refunds on a bill",
    "lost redemptions on a bill",
    "lost PAIs",
    "charges adopted",
    "refunds adopted",
    "redemptions adopted",
    "PAIs adopted",
];

fn all_names() -> Vec<&'static str> {
    MET.to_vec()
}

fn play(seed: u64) -> OutcomeTally {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("starts");
    runtime.block_on(async {
        let mut run = RestoreRun::new(seed).await;
        run.play().await;
        run.tally
    })
}

#[test]
fn lost_history_doubles_and_hides_no_line() {
    RESTORES.run(|| play);
}
