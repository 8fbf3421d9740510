//! A closed-loop load over HTTP/1.1: each connection sends its next request when it has the response to the last one.
//!
//! The requests are made before the clock starts, each of them different: they are signed, and each has a nonce of its
//! own. That is why this is not `oha` or `wrk`. oha takes one list of bodies and one set of headers for all requests, and
//! wrk would need a script that runs for each request on the core that it takes from the subject.

use super::latency::Latencies;
use super::process_tree::{ProcessTree, to_f64};
use super::rounds::{Round, Side};
use crate::clock::Stopwatch;
use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Of the first round, before the rate is known.
const FIRST_RATE: f64 = 100.0;
/// Requests of the shortest round, for each connection.
const REQUESTS_MIN: usize = 4;
/// A request that takes longer is an error: no program of a row waits that long for anything.
const PATIENCE: Duration = Duration::from_mins(1);

/// Makes this many requests that are all different.
pub(crate) type MakeRequests<'a> = Box<dyn FnMut(usize) -> Result<Vec<Request<Bytes>>> + Send + 'a>;

/// A side that answers HTTP requests.
pub(crate) struct HttpLoad<'a> {
    pub(crate) address: SocketAddr,
    pub(crate) process: ProcessTree,
    pub(crate) connections: usize,
    pub(crate) expected: StatusCode,
    make_requests: MakeRequests<'a>,
    rate: f64,
}

impl<'a> HttpLoad<'a> {
    pub(crate) fn new(
        (address, process): (SocketAddr, ProcessTree),
        connections: usize,
        expected: StatusCode,
        make_requests: MakeRequests<'a>,
    ) -> Self {
        Self { address, process, connections, expected, make_requests, rate: FIRST_RATE }
    }

    /// Sends this many requests.
    pub(crate) async fn send(&mut self, count: usize) -> Result<Round> {
        let requests = (self.make_requests)(count)?;
        let (before, operations) = (self.process.cpu_time(), requests.len());
        let sent = send_all(self.address, self.connections, requests, self.expected).await?;
        let cpu = self.process.cpu_time().saturating_sub(before);
        Ok(Round { operations: operations as u64, cpu: Some(cpu), ..sent })
    }
}

#[async_trait]
impl Side for HttpLoad<'_> {
    async fn run_round(&mut self, length: Duration) -> Result<Round> {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate is positive and far below the limit"
        )]
        let count = (self.rate * length.as_secs_f64()) as usize;
        let round = self.send(count.max(REQUESTS_MIN * self.connections)).await?;
        self.rate = to_f64(round.operations) / round.elapsed.as_secs_f64();
        Ok(round)
    }

    fn process(&self) -> Option<ProcessTree> {
        Some(self.process)
    }
}

type Queue = Arc<Mutex<std::vec::IntoIter<Request<Bytes>>>>;

/// Sends all requests over these connections, which are opened before the clock starts.
async fn send_all(
    address: SocketAddr,
    connections: usize,
    requests: Vec<Request<Bytes>>,
    expected: StatusCode,
) -> Result<Round> {
    let queue: Queue = Arc::new(Mutex::new(requests.into_iter()));
    let mut senders = Vec::with_capacity(connections);
    for _ in 0..connections {
        senders.push(connect(address).await?);
    }
    let since = Stopwatch::start();
    let mut tasks = JoinSet::new();
    for sender in senders {
        tasks.spawn(send_in_turn(sender, Arc::clone(&queue), expected));
    }
    let (mut latencies, mut errors) = (Latencies::default(), 0);
    while let Some(ended) = tasks.join_next().await {
        let (own_latencies, own_errors) = ended.context("a connection of the load panicked")??;
        latencies.append(own_latencies);
        errors += own_errors;
    }
    Ok(Round { operations: 0, errors, elapsed: since.elapsed(), cpu: None, latencies })
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // It ends with its sender; an error of it is seen there.
    tokio::spawn(connection);
    Ok(sender)
}

async fn send_in_turn(
    mut sender: SendRequest<Full<Bytes>>,
    queue: Queue,
    expected: StatusCode,
) -> Result<(Latencies, u64)> {
    let (mut latencies, mut errors) = (Latencies::default(), 0);
    loop {
        let Some(request) = queue.lock().unwrap_or_else(PoisonError::into_inner).next() else {
            return Ok((latencies, errors));
        };
        let since = Stopwatch::start();
        let answer = async {
            let response = sender.send_request(request.map(Full::new)).await?;
            let status = response.status();
            response.into_body().collect().await.map(|_| status)
        };
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(status)) => {
                latencies.add(since.elapsed());
                errors += u64::from(status != expected);
            }
            Ok(Err(error)) => return Err(error).context("a connection of the load broke"),
            Err(_) => bail!("a request was not answered within {} s", PATIENCE.as_secs()),
        }
        sender.ready().await.context("a connection of the load was closed")?;
    }
}
