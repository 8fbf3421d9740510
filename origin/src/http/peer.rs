//! HTTP calls to another party: one request, one bounded response, a deadline. There are no retries
//! here, because only the caller knows whether a call may be repeated.

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use http::{Request, Response};
use onbill_domain::limits::BODY_BYTES_MAX;
use std::time::Duration;

/// There was no complete response: the party may or may not have acted on the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreachable;

/// Another party, reached over HTTP.
#[async_trait]
pub trait Peer: Send + Sync {
    /// Sends a request with an absolute URI.
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable>;
}

/// The real network. Redirects are not followed: a signed request is valid only for the address it
/// was signed for.
#[derive(Clone, Debug)]
pub struct HttpPeer {
    client: reqwest::Client,
}

impl HttpPeer {
    /// A client whose calls end after `deadline`, connection and response together.
    pub fn new(deadline: Duration) -> Result<Self, reqwest::Error> {
        // A process has one TLS provider, so a second attempt to install the same one is not an
        // error.
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
