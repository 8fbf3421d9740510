//! Correlation of subscriptions: what the ledger has of each PAI of a partner, beside the partner's
//! list and the list of the operator's BSS ([`file`] has their columns). It compares who pays for
//! what; money that was charged is compared by [`crate::reconciliation`].
//!
//! The lists are in memory, packed; the ledger is read by the page in the order of its PAIs.

mod difference;
pub mod file;
mod listed_line;
mod packed_list;
mod run;

pub use difference::{Class, ListSide};
pub use file::{List, Numbers};
pub use listed_line::ListedLine;
pub use run::{Correlation, CorrelationSummary, Difference};
