//! Billing that approves every charge at once, and knows of none when it is asked for one.

use super::constant_server::{ConstantServer, json_response};
use anyhow::Result;
use bytes::Bytes;
use http::{Method, Request};
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Where a charge is posted.
pub(crate) const CHARGE_PATH: &str = "/csp/transaction";

pub(crate) struct BillingStub {
    server: ConstantServer,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    posts: AtomicU64,
    is_out: AtomicBool,
}

impl BillingStub {
    pub(crate) async fn start() -> Result<Self> {
        let state = Arc::new(State::default());
        let answers = Arc::clone(&state);
        let answer = move |request: &Request<Bytes>| {
            if answers.is_out.load(Ordering::Relaxed) {
                return json_response(503, &json!({}));
            }
            if request.method() == Method::GET {
                return json_response(
                    404,
                    &json!({"code": "transaction-not-found", "message": "There is none."}),
                );
            }
            answers.posts.fetch_add(1, Ordering::Relaxed);
            json_response(201, &json!({"status": "APPROVED", "rawCode": "00"}))
        };
        Ok(Self { server: ConstantServer::start(Arc::new(answer)).await?, state })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.server.address
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// How many posts it has answered.
    pub(crate) fn posts(&self) -> u64 {
        self.state.posts.load(Ordering::Relaxed)
    }

    /// From now on every call fails, or none does.
    pub(crate) fn set_out(&self, is_out: bool) {
        self.state.is_out.store(is_out, Ordering::Relaxed);
    }
}
