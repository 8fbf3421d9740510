//! Calls to other parties over HTTP.

mod csp_client;
mod peer;

pub use csp_client::{BillingSystem, Unclear};
pub use peer::{HttpPeer, Peer, Unreachable};
