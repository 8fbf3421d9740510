//! The simulated parties for local use and for the tests: an operator (dashboard, CSP API, SMS,
//! bills) and a partner that simulates Netflix (sign-up, accounts, billing runs, refunds). Each is
//! a router that tests call in one process and that the program `onbill-sandbox` serves on a
//! loopback address.
//!
//! They are strict about every interface of the contract, and keep all state in memory. Not here:
//! anything that onbill itself needs to run, and any hardening for a network beyond this machine.

pub mod account_file;
pub mod answer;
pub mod copy_button;
pub mod faults;
pub mod gate;
pub mod netflix;
pub mod operator;
pub mod page;
pub mod refusal_page;
pub mod settings;

#[cfg(test)]
mod testing;

use onbill_origin::ambient::{Clock, Random};
use onbill_origin::http::Peer;
use std::sync::Arc;

/// The dependencies of a simulated party.
#[derive(Clone)]
pub struct PartyDependencies {
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    /// The network, for calls to other parties.
    pub http: Arc<dyn Peer>,
}
