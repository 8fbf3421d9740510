//! A server in this process that answers every call with the same response: the origin behind the edge, the billing
//! behind the origin. It costs the measured programs nothing, as it is none of their processes.

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Answers a call from its head and its body.
pub(crate) type Answer = dyn Fn(&Request<Bytes>) -> Response<Full<Bytes>> + Send + Sync;

/// A running server. It ends when it is dropped.
pub(crate) struct ConstantServer {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl ConstantServer {
    pub(crate) async fn start(answer: Arc<Answer>) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.context("listen on a free port")?;
        let address = listener.local_addr()?;
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let answer = Arc::clone(&answer);
                // Without this, the second segment of a response would wait for an acknowledgement.
                let _ = stream.set_nodelay(true);
                let service = service_fn(move |request| respond(Arc::clone(&answer), request));
                // A client that goes away is no fault of the server.
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Ok(Self { address, task })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for ConstantServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn respond(
    answer: Arc<Answer>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    // A body that is cut off is answered as an empty one: the client has gone anyway.
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    Ok(answer(&Request::from_parts(head, body)))
}

/// A JSON response of this status.
pub(crate) fn json_response(status: u16, body: &serde_json::Value) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    let json = http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(http::header::CONTENT_TYPE, json);
    response
}
