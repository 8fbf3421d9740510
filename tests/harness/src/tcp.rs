//! Parties on real sockets of this machine.

use axum::Router;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// Listens on a free port of this host.
pub async fn listen_on(host: Ipv4Addr) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind((host, 0)).await.expect("there are ports");
    let address = listener.local_addr().expect("has one");
    (listener, address)
}

/// Serves a router until the tasks are dropped.
pub fn serve_router(tasks: &mut JoinSet<()>, listener: TcpListener, router: Router) {
    tasks.spawn(async move { axum::serve(listener, router).await.expect("serves") });
}
