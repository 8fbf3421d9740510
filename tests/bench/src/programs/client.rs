//! One call after the other over one connection, for what a row prepares.

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use tokio::net::TcpStream;

pub(crate) struct Client(SendRequest<Full<Bytes>>);

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    /// The body of a success; anything else is an error.
    pub(crate) async fn call(&mut self, request: Request<Bytes>) -> Result<Value> {
        let what = format!("{} {}", request.method(), request.uri());
        let body = self.read(request).await?;
        serde_json::from_slice(&body).with_context(|| format!("{what} was answered with no JSON"))
    }

    /// The same, whatever the body is.
    pub(crate) async fn read(&mut self, request: Request<Bytes>) -> Result<Bytes> {
        let what = format!("{} {}", request.method(), request.uri());
        self.0.ready().await?;
        let response = self.0.send_request(request.map(Full::new)).await?;
        let (status, body) = (response.status(), response.into_body().collect().await?.to_bytes());
        if !status.is_success() {
            bail!("{what} was answered {status} {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }
}
