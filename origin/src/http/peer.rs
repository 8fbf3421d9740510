//! Talking HTTP to another party: one request, one bounded answer, a deadline. No retries here: whether a call may be
//! made again is for its caller to know.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{Request, Response};
use onbill_domain::limits::BODY_BYTES_MAX;
use std::time::Duration;

/// No whole answer came: the party may or may not have acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// Another party, over HTTP.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Sends a request with an absolute URI.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable>;
}

/// The real network. Redirects are not followed: a signed request is for the address it was signed for.
#[derive(Clone, Debug)]
pub struct HttpPeer {
    client: reqwest::Client,
}

impl HttpPeer {
    /// A client whose calls end after `deadline`, connection and answer together.
    pub fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        // A process has one TLS provider; a second attempt to set the same one is no error to us.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .timeout(deadline)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Peer for HttpPeer {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let request = reqwest::Request::try_from(request).map_err(|_| Unreachable)?;
        let answer = self.client.execute(request).await.map_err(|_| Unreachable)?;
        let mut response = Response::builder().status(answer.status());
        if let Some(headers) = response.headers_mut() {
            headers.clone_from(answer.headers());
        }
        let mut body = BytesMut::new();
        let mut chunks = answer.bytes_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Unreachable)?;
            if body.len() + chunk.len() > BODY_BYTES_MAX {
                return Err(Unreachable);
            }
            body.extend_from_slice(&chunk);
        }
        response.body(body.freeze()).map_err(|_| Unreachable)
    }
}
