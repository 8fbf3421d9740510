//! The port that ESMEs connect to, and the proxy from there to the server: a proxy that can be cut,
//! as the server itself closes no valid connection.

use super::SmscFault;
use crate::operator::Operator;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Accepts every connection until it is dropped, which closes them all.
pub(super) async fn keep(operator: Operator, listener: TcpListener, inside: SocketAddr) {
    let mut passing = JoinSet::new();
    while let Ok((outside, _)) = listener.accept().await {
        while passing.try_join_next().is_some() {}
        if operator.trouble() != SmscFault::Down {
            passing.spawn(pass(operator.clone(), outside, inside));
        }
    }
}

async fn pass(operator: Operator, mut outside: TcpStream, inside: SocketAddr) {
    let mut cuts = operator.smsc().cuts.subscribe();
    let Ok(mut inside) = TcpStream::connect(inside).await else { return };
    // Requests are small, and their callers wait for the response.
    let _ = (outside.set_nodelay(true), inside.set_nodelay(true));
    tokio::select! {
        _ = copy_bidirectional(&mut outside, &mut inside) => {}
        _ = cuts.changed() => {}
        () = operator.until_trouble_begins(SmscFault::Silent) => operator.until_trouble_ends(SmscFault::Silent).await,
    }
}
