//! Taking over from another system: what was loaded ([`crate::migration_files`] has the files) is
//! compared with the operator's accounts, turned on, and off again, and written out for the way back.

mod accounts;
mod cohort;
mod run;
mod turn_off;
mod way_back;

pub use accounts::{AccountComparison, AccountDifference, AccountError, AccountSummary};
pub use cohort::{Cohort, CohortError, read_cohort};
pub use run::{CutOver, CutOverReport, SwitchError};
pub use turn_off::{TurnOff, TurnOffReport};
pub use way_back::{WayBack, WayBackError, Written};
