//! Reconciliation of three sources for the same money: our ledger, the partner's statement and
//! billing's extract ([`file`] has their columns).
//!
//! A charge or refund is in the period in which it was posted to us. The statement must have it if
//! it is approved, and may have it if it is not. The extract must have it if it was approved within
//! the period, and no other. A charge that was posted at the end of a period and approved after it
//! is expected on the next bill. So files may, and should, extend some days beyond the period at
//! both ends: a line outside is recognized by its id, compared all the same, and is in no sum. That
//! way no clock of another party causes a false finding.
//!
//! The files are in memory, our ledger is read by the page: the time depends on the length of the
//! period and the files, not on that of the ledger.

pub mod adoption;
pub mod adoption_report;
mod cause;
mod columns;
mod compare;
mod detail_columns;
pub mod file;
pub mod finding;
mod kept;
mod kind;
mod lost_pais;
mod own;
mod packed_lines;
mod repair;
mod reported_line;
mod restored_ledger;
mod run;
mod totals;

pub use cause::Cause;
pub use finding::{Finding, RefundedBy, ReportedAmount};
pub use kept::{FindingsToKeep, KeptCause, KeptReconciliation, KeptSum, KeptSums, read_kept_finding};
pub use kind::Kind;
pub use lost_pais::LostPais;
pub use repair::RepairOutcome;
pub use reported_line::Side;
pub use run::{Reconciliation, Repair, Summary};
pub use totals::{CODES_MAX, CodeTotals, LedgerSum, LedgerTotals, Totals};
