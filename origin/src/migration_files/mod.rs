//! The files in which an operator brings what another system has: `pais.csv` and `charges.csv`. They
//! are parsed and checked here as a whole, and everything that is wrong is named by line and column,
//! never with its value, which may be a number.
//!
//! [`FileCheck`] checks the files together, by themselves and then beside the ledger, and [`FileLoad`] loads
//! what is sound. A PAI that is loaded is dark: another system charges it until it is cut over.
//!
//! Deliberately not here: the SQL, and what becomes of each line beside the ledger, which is in
//! `store/migration_file/`.

mod charges;
mod check;
mod checked;
mod fields;
mod headers;
mod lines;
mod load;
mod load_error;
mod opened_file;
mod pais;
mod problem;
mod reading;
mod rules;
mod short_hash;
mod source;
#[cfg(test)]
mod test_rules;

pub use charges::{ChargeCheck, ImportedCharge};
pub use check::FileCheck;
pub use checked::{Ceilings, Checked, CheckedFile, Observer};
pub use headers::{CHARGES_HEADER, PAIS_HEADER};
pub use load::{FileLoad, LoadedFile};
pub use load_error::LoadError;
pub use pais::{Consent, ImportedPai, ImportedSubscription, KnownPais, PaiCheck, SubscriberOfLine};
pub use problem::{Problem, WrongFile};
pub use rules::Rules;
pub use source::{Files, Source};
