//! The sandbox's parties on sockets of this machine.

use axum::Router;
use onbill_origin::ambient::{SystemClock, SystemRandom};
use onbill_origin::http::HttpPeer;
use onbill_sandbox::PartyDependencies;
use onbill_test_harness::tcp::{listen_on, serve_router};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

pub(super) fn dependencies() -> PartyDependencies {
    PartyDependencies {
        clock: Arc::new(SystemClock),
        random: Arc::new(SystemRandom),
        http: Arc::new(HttpPeer::new(Duration::from_secs(10)).expect("starts")),
    }
}

pub(super) async fn listen() -> (TcpListener, SocketAddr) {
    listen_on(Ipv4Addr::LOCALHOST).await
}

/// Serves a party until it is dropped.
pub(super) struct Served {
    _tasks: JoinSet<()>,
}

impl Served {
    pub(super) fn new(listener: TcpListener, router: Router) -> Self {
        let mut tasks = JoinSet::new();
        serve_router(&mut tasks, listener, router);
        Self { _tasks: tasks }
    }
}
