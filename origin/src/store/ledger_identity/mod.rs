//! The identity of the ledger: settings that must not change. They are recorded once, in the transaction that makes
//! the tables, and compared whenever the ledger is opened. While they could still change, a program with another
//! configuration could rename the ledger beside an origin that serves it.

pub(super) mod postgres;
pub(super) mod sqlite;

/// A setting that the ledger depends on: its name, and its value.
pub type LedgerFact = (&'static str, Vec<u8>);
