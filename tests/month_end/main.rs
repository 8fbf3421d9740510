//! The operator's month end on large books: reconciliation finds everything that was planted and nothing else,
//! settlement comes to what another computation comes to.
//!
//! The books are written into SQLite directly, in one transaction: posting a hundred thousand charges would test the
//! posting, and take minutes. What a generator plants and what it expects is its own; it shares no rule with what it
//! tests.

#![cfg(test)]

mod books;
mod month;
mod reconciling;
mod repairing;
mod settling;
