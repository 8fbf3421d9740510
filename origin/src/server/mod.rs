//! The HTTP server: accepts connections and has the router answer their requests.
//!
//! A client that is slow, silent or gone costs a connection for a limited time and nothing else:
//! there is a deadline for each part of a request ([`client_stream`], [`timed_body`]), and a limit
//! on connections. HTTP/1.1 has one request at a time on a connection, so that limit is also the
//! limit on requests that wait.

mod capacity;
mod client_stream;
mod timed_body;

use crate::instruments::Instruments;
use axum::Router;
use axum::body::Body;
use capacity::Capacity;
pub(crate) use capacity::connections_max;
use client_stream::{ClientStream, Exchange};
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior};
use tower::ServiceExt as _;

/// How long requests may take that are under way when the server is asked to stop. Billing has at
/// most six seconds for a charge; supervisors send SIGKILL after some 30 or 90. What is not
/// answered by then is as durable as if it were: the caller repeats it under its own id. The rest
/// of the end takes two seconds at most, and all of it less than 15.
const STOP_PATIENCE: Duration = Duration::from_secs(11);
/// Largest head of a request, in bytes: signatures of edge and partner take two or three thousand.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How often the server looks whether there is room for connections again.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Pause after the system has refused to accept a connection, usually for want of file handles.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Serves at most so many connections at once until `stop` completes, and then until the requests that were under way are answered, but
/// no longer than [`STOP_PATIENCE`].
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    connections_max: usize,
    instruments: Option<Arc<Instruments>>,
    stop: impl Future<Output = ()>,
) {
    let mut capacity = Capacity::new(connections_max, instruments);
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            () = &mut stop => break,
            _ = looks.tick() => {
                capacity.look_for_calm(Instant::now());
                continue;
            }
            accepted = accept(&listener, &mut capacity) => accepted,
        };
        while connections.try_join_next().is_some() {}
        let (stream, place) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                capacity.note_waiting(&format!("a connection was not accepted: {error}"));
                tokio::time::sleep(REFUSED_PAUSE).await;
                continue;
            }
        };
        let connection = serve_connection(stream, router.clone(), stopped.clone());
        connections.spawn(async move {
            connection.await;
            drop(place);
        });
    }
    // Nobody may connect any more; connections without a request are closed at once.
    drop(listener);
    drop(stopping);
    let finished = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(STOP_PATIENCE, finished).await.is_err() {
        tracing::warn!("requests that were not answered in time are cut off by the stop");
    }
}

async fn accept(listener: &TcpListener, capacity: &mut Capacity) -> io::Result<(TcpStream, capacity::Place)> {
    let place = capacity.take_place().await;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return Ok((stream, place)),
            // The client was gone before it was accepted.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::ConnectionAborted
                        | io::ErrorKind::ConnectionRefused
                        | io::ErrorKind::ConnectionReset
                        | io::ErrorKind::Interrupted
                ) => {}
            Err(error) => return Err(error),
        }
    }
}

/// Answers the requests of a connection, one after the other. When `stopped` closes, the request
/// that is under way is the last one.
async fn serve_connection(stream: TcpStream, router: Router, mut stopped: watch::Receiver<()>) {
    // A response is a packet: it should not wait for another.
    let _ = stream.set_nodelay(true);
    let exchange = Arc::new(Exchange::default());
    let stream = TokioIo::new(ClientStream::new(stream, Arc::clone(&exchange)));
    let service = service_fn(move |request: Request<Incoming>| {
        let exchange = Arc::clone(&exchange);
        let router = router.clone();
        exchange.begin();
        async move {
            let request = request.map(|body| timed_body::limit_time(Body::new(body)));
            let response = router.oneshot(request).await;
            exchange.end();
            response
        }
    });
    let connection = http1::Builder::new()
        .max_buf_size(HEAD_BYTES_MAX)
        // The stream has the deadlines.
        .header_read_timeout(None)
        .serve_connection(stream, service);
    tokio::pin!(connection);
    // An error is the client's: it is gone, silent, or does not speak HTTP.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}
