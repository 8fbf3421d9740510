//! Reconciliation: three books of the same money side by side. Ours, the partner's statement and billing's extract
//! ([`file`] has their columns).
//!
//! A charge or refund is in the period in which it was posted to us. The statement must have it if it is approved, and
//! may have it if it is not; the extract must have it if it was approved within the period, and no other. What was posted
//! at the end of a period and approved after it is expected on the next bill. So files may, and should, reach some
//! days beyond the period at both ends: what lies outside is recognised by its id, compared all the same, and is in no
//! sum. That way no clock of the other parties' makes a false finding.
//!
//! The files are in memory, our books are read by the page: it takes as long as the period and the files are, however
//! long the ledger is.

mod cause;
mod compare;
pub mod file;
pub mod finding;
mod kind;
mod own;
mod repair;
mod run;
mod totals;

pub use cause::Cause;
pub use finding::{Finding, ReportedAmount};
pub use kind::Kind;
pub use repair::RepairOutcome;
pub use run::{Reconciliation, Repair, Summary};
pub use totals::{LedgerSum, LedgerTotals, Totals};
