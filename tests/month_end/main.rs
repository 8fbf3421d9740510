//! The operator's month end on a large ledger: reconciliation finds every planted difference and
//! nothing else, and settlement equals an independent computation.
//!
//! The rows are written into SQLite directly, in one transaction: posting a hundred thousand
//! charges would test the posting, and take minutes. The generator's differences and expectations
//! are its own; it shares no rule with what it tests.

#![cfg(test)]

mod generated_month;
mod ledger_file;
mod reconciliation;
mod repair;
mod settlement;
