//! Calls to other parties over HTTP.

mod call_span;
mod csp_client;
#[cfg(test)]
mod dropped_connections;
#[cfg(test)]
mod odd_parties;
mod peer;
mod probe;
mod signed_client;

pub use csp_client::{CspClient, Unclear};
pub use peer::{HttpPeer, Peer, Unreachable};
pub(crate) use probe::probe_url;
pub use signed_client::SignedClient;
