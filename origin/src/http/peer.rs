//! HTTP calls to another party: one request, one bounded response, a deadline. There are no retries
//! here, because only the caller knows whether a call may be repeated.
//!
//! A kept connection may have been dropped by the party or by a firewall without a word. It is
//! therefore kept for less time than others keep it, and a caller may ask for a fresh one.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{Request, Response};
use onbill_domain::limits::BODY_BYTES_MAX;
use std::time::Duration;

/// How long an idle connection is kept. Web servers close theirs after 2 to 75 seconds; the calls
/// for one charge follow each other in milliseconds.
const IDLE_MAX: Duration = Duration::from_secs(1);
/// How long connecting may take. It happens within a call's deadline, and most of that is left.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// The part of the deadline after which a read is asked on a fresh connection as well: longer than
/// a sound response takes, and early enough that most of the deadline is left.
const FRESH_AFTER_PART: u32 = 4;

/// There was no complete response: the party may or may not have acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// Why a call has no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoResponse {
    /// The connection ended before the response did. On a kept connection that is usually the end
    /// of the connection, and not the party's response to the request.
    Dropped,
    /// Anything else, such as a party that does not answer in time.
    Unreachable,
}

/// The connection that a request is sent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Connection {
    /// An open one, if there is one.
    Kept,
    /// A new one.
    Fresh,
}

/// Another party, reached over HTTP.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Sends a request with an absolute URI.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable>;

    /// The connections to the party, if there are any.
    fn connections(&self) -> Option<&HttpPeer> {
        None
    }
}

/// The real network. Redirects are not followed: a signed request is valid only for the address it
/// was signed for.
#[derive(Clone, Debug)]
pub struct HttpPeer {
    kept: reqwest::Client,
    fresh: reqwest::Client,
    fresh_after: Duration,
    body_bytes_max: usize,
}

impl HttpPeer {
    /// A client whose calls end after `deadline`, connection and response together.
    pub fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        Ok(Self {
            kept: client_builder(deadline).build()?,
            fresh: client_builder(deadline).pool_max_idle_per_host(0).build()?,
            fresh_after: deadline / FRESH_AFTER_PART,
            body_bytes_max: BODY_BYTES_MAX,
        })
    }

    /// The same, for a party whose answers may be larger than those of onbill's own interfaces.
    #[must_use]
    pub fn with_body_bytes_max(self, body_bytes_max: usize) -> Self {
        Self { body_bytes_max, ..self }
    }

    /// How long a read may wait until it is asked on a fresh connection as well.
    pub(super) fn fresh_after(&self) -> Duration {
        self.fresh_after
    }

    /// Sends a request on a kept or on a fresh connection.
    pub(super) async fn send_on(
        &self,
        connection: Connection,
        request: Request<Bytes>,
    ) -> Result<Response<Bytes>, NoResponse> {
        let client = match connection {
            Connection::Kept => &self.kept,
            Connection::Fresh => &self.fresh,
        };
        let request = reqwest::Request::try_from(request).map_err(|_| NoResponse::Unreachable)?;
        let answer = client.execute(request).await.map_err(|error| classify_error(&error))?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = BytesMut::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|error| classify_error(&error))?;
            if body.len() + chunk.len() > self.body_bytes_max {
                return Err(NoResponse::Unreachable);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body.freeze()).map_err(|_| NoResponse::Unreachable)
    }
}

/// A client whose calls end after `deadline`.
pub(super) fn client_builder(deadline: Duration) -> reqwest::ClientBuilder {
    // A process has one TLS provider, so a second attempt to install the same one is not an error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .timeout(deadline)
        .connect_timeout(CONNECT_MAX)
        .pool_idle_timeout(IDLE_MAX)
        .tcp_keepalive(deadline)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

/// A connection that was never made, or a party that takes too long, is not a dropped connection.
fn classify_error(error: &reqwest::Error) -> NoResponse {
    if error.is_timeout() || error.is_connect() || error.is_builder() {
        NoResponse::Unreachable
    } else {
        NoResponse::Dropped
    }
}

#[async_trait]
impl Peer for HttpPeer {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        self.send_on(Connection::Kept, request).await.map_err(|_| Unreachable)
    }

    fn connections(&self) -> Option<&HttpPeer> {
        Some(self)
    }
}
