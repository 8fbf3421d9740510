//! The files in which an operator brings what another system has: `pais.csv` and `charges.csv`. They
//! are parsed and checked here as a whole, and everything that is wrong is named by line and column,
//! never with its value, which may be a number.
//!
//! Deliberately not here: the database. What is wrong only beside the ledger (a number without an
//! account, a PAI that is there already) is found when the lines are loaded.

mod charges;
mod fields;
mod headers;
mod opened_file;
mod pais;
mod problem;
mod rules;
mod short_hash;
#[cfg(test)]
mod test_rules;

pub use charges::{ChargeCheck, ImportedCharge};
pub use headers::{CHARGES_HEADER, PAIS_HEADER};
pub use pais::{Consent, ImportedPai, ImportedSubscription, KnownPais, PaiCheck, SubscriberOfLine};
pub use problem::{NotThisFile, Problem, ProblemCounts, ProblemKind};
pub use rules::Rules;
