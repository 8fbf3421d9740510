//! `cargo xtask sim`.

use super::database::Database;
use super::remaining::RemainingArguments;
use crate::failure::Outcome;

/// Seeds without `--seeds`: they take from some tens of seconds to a few minutes.
const DEFAULT_FAULT_SEEDS: u64 = 1000;
const DEFAULT_LIFECYCLE_SEEDS: u64 = 20_000;
/// Four customers live in each.
const DEFAULT_TAKEOVER_SEEDS: u64 = 5_000;

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SimulationArguments {
    pub(crate) first_seed: u64,
    pub(crate) seeds: u64,
    pub(crate) scenario: Scenario,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// The whole system under injected faults; on PostgreSQL two origins race.
    Faults(Database),
    /// Whole subscriber lifecycles, which call the store without the rest of the system.
    SubscriberLifecycles,
    /// Databases that are restored to an older point, or lose their tail in a failover.
    Restores,
    /// Customers of another system who are taken over.
    Takeovers,
}

impl RemainingArguments<'_> {
    pub(super) fn take_simulation(&mut self) -> Outcome<SimulationArguments> {
        if self.take_flag("--restores") {
            return self.take_seeds(Scenario::Restores, DEFAULT_FAULT_SEEDS);
        }
        if self.take_flag("--takeovers") {
            return self.take_seeds(Scenario::Takeovers, DEFAULT_TAKEOVER_SEEDS);
        }
        let (scenario, default_seeds) = match (self.take_flag("--lifecycles"), self.take_database()?) {
            (true, Some(_)) => return Err(self.usage_error("takes --lifecycles without --database")),
            (true, None) => (Scenario::SubscriberLifecycles, DEFAULT_LIFECYCLE_SEEDS),
            (false, database) => {
                (Scenario::Faults(database.unwrap_or(Database::Sqlite)), DEFAULT_FAULT_SEEDS)
            }
        };
        self.take_seeds(scenario, default_seeds)
    }

    fn take_seeds(&mut self, scenario: Scenario, default_seeds: u64) -> Outcome<SimulationArguments> {
        let (seeds, first, one) =
            (self.take_number("--seeds")?, self.take_number("--from")?, self.take_number("--seed")?);
        match (seeds, first, one) {
            (None, None, Some(seed)) => Ok(SimulationArguments { first_seed: seed, seeds: 1, scenario }),
            (_, _, Some(_)) => Err(self.usage_error("takes either --seed or --seeds and --from")),
            (Some(0), ..) => Err(self.usage_error("wants at least one seed after --seeds")),
            (seeds, first, None) => Ok(SimulationArguments {
                first_seed: first.unwrap_or(0),
                seeds: seeds.unwrap_or(default_seeds),
                scenario,
            }),
        }
    }
}
