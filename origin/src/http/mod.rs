//! Calls to other parties over HTTP.

mod csp_client;
mod peer;
mod signed_client;

pub use csp_client::{CspClient, Unclear};
pub use peer::{HttpPeer, Peer, Unreachable};
pub use signed_client::SignedClient;
