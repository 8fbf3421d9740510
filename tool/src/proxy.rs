//! `onbill proxy`: a proxy on this machine that signs every call that passes, so that any HTTP tool
//! can call a signed API.
//!
//! It speaks with your key, so it listens on the loopback address only, and refuses what a page in
//! a browser sends: `Origin` and `Sec-Fetch-Site` say so, and a foreign `Host` is a page that has
//! given its own name this address.

use crate::client::{Client, address};
use crate::signer::{KeyOptions, Signer};
use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use clap::Args;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, ORIGIN, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Request, StatusCode};
use onbill_domain::signature::{CONTENT_DIGEST, SIGNATURE, SIGNATURE_INPUT};
use serde_json::json;
use std::net::Ipv4Addr;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// Above the API's own limit, so that you see the response of the API to a body that is too large.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// Who signed the response, for tools that do not check it themselves.
const SIGNED_BY: &str = "x-onbill-signed-by";

/// Headers of one connection (RFC 9110 §7.6.1), and those that the proxy makes itself. A response that
/// was compressed on its way would not have the digest that the operator has signed.
const NOT_FORWARDED: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    SIGNATURE,
    SIGNATURE_INPUT,
    CONTENT_DIGEST,
];

#[derive(Args)]
pub(crate) struct Arguments {
    /// The address of the edge, or for an operator of its origin.
    #[arg(long, value_name = "URL", env = "ONBILL_URL", default_value = "http://127.0.0.1:8787")]
    url: String,
    #[command(flatten)]
    keys: KeyOptions,
    /// The port on this machine; 0 takes a free one.
    #[arg(long, default_value_t = 8786)]
    port: u16,
    /// Seconds to wait for each response.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=600))]
    timeout: u64,
}

struct Proxy {
    signer: Signer,
    client: Client,
    url: String,
    port: u16,
}

impl Arguments {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        address(&self.url, "/").context("use --url")?;
        let signer = Signer::read(&self.keys)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port));
        let listener = listener.await.with_context(|| format!("listen on port {}", self.port))?;
        let port = listener.local_addr().context("listen")?.port();
        let client = Client::new(Duration::from_secs(self.timeout))?;
        println!("http://127.0.0.1:{port} signs and passes on to {}; Ctrl-C ends it", self.url);
        let proxy = Arc::new(Proxy { signer, client, url: self.url, port });
        let router = Router::new().fallback(pass_on).with_state(proxy);
        let serve = axum::serve(listener, router).with_graceful_shutdown(async {
            // Without a handler for Ctrl-C, the signal ends the program anyway.
            let _ = tokio::signal::ctrl_c().await;
        });
        serve.await.context("serve")?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn pass_on(State(proxy): State<Arc<Proxy>>, request: Request<Body>) -> Response {
    let line = format!("{} {}", request.method(), request.uri().path());
    let response = proxy.respond(request).await;
    let signer = response.headers().get(SIGNED_BY).and_then(|value| value.to_str().ok()).unwrap_or("-");
    eprintln!("{line} {} signed by: {signer}", response.status().as_u16());
    response
}

impl Proxy {
    async fn respond(&self, request: Request<Body>) -> Response {
        if !is_of_a_tool(request.headers(), self.port) {
            let why = "A page in a browser sent this. The proxy signs for programs on this machine only.";
            return refuse_call(StatusCode::FORBIDDEN, why);
        }
        match self.forward(request).await {
            Ok(response) => response,
            Err(error) => {
                refuse_call(StatusCode::BAD_GATEWAY, &format!("The proxy has no response: {error:#}."))
            }
        }
    }

    async fn forward(&self, request: Request<Body>) -> anyhow::Result<Response> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_BYTES_MAX).await.context("read the body")?;
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut signed = Request::builder().method(parts.method).uri(address(&self.url, path)?).body(body)?;
        *signed.headers_mut() = forwarded_headers(&parts.headers, !signed.body().is_empty());
        self.signer.sign(&mut signed)?;
        let headers = signed.headers().clone();
        let response = self.client.send(signed).await?;
        let signed_by = HeaderValue::from_str(self.signer.response_signer(&headers, &response).as_str())?;
        let (mut parts, body) = response.into_parts();
        parts.headers.remove(TRANSFER_ENCODING);
        parts.headers.remove(CONNECTION);
        parts.headers.insert(SIGNED_BY, signed_by);
        Ok(Response::from_parts(parts, Body::from(body)))
    }
}

/// The header fields that are passed on. A body without a type is one of bytes (RFC 9110 §8.3).
fn forwarded_headers(received: &HeaderMap, has_body: bool) -> HeaderMap {
    let mut headers = received.clone();
    for name in NOT_FORWARDED {
        headers.remove(name);
    }
    if has_body && !headers.contains_key(CONTENT_TYPE) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    }
    headers
}

/// Whether a program sent this, and not a page in a browser.
fn is_of_a_tool(headers: &HeaderMap, port: u16) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_here = ["127.0.0.1", "localhost"].iter().any(|name| host == format!("{name}:{port}"));
    is_here && !headers.contains_key(ORIGIN) && !headers.contains_key("sec-fetch-site")
}

fn refuse_call(status: StatusCode, message: &str) -> Response {
    let body = json!({ "code": "signing-proxy", "message": message }).to_string();
    let mut response = Response::new(Body::from(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn headers(fields: &[(&'static str, &'static str)]) -> HeaderMap {
        let field = |&(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn pages_in_browsers_get_nothing_signed() {
        assert!(is_of_a_tool(&headers(&[("host", "127.0.0.1:8786")]), 8786));
        assert!(is_of_a_tool(&headers(&[("host", "localhost:8786"), ("user-agent", "curl/8")]), 8786));
        for page in [
            headers(&[]),
            headers(&[("host", "127.0.0.1:8787")]),
            headers(&[("host", "rebound.example:8786")]),
            headers(&[("host", "127.0.0.1:8786"), ("origin", "https://evil.example")]),
            headers(&[("host", "127.0.0.1:8786"), ("sec-fetch-site", "cross-site")]),
        ] {
            assert!(!is_of_a_tool(&page, 8786), "{page:?}");
        }
    }

    #[test]
    fn signature_of_the_tool_is_not_passed_on() {
        let received = headers(&[
            ("host", "127.0.0.1:8786"),
            ("content-length", "2"),
            ("accept-encoding", "gzip, br"),
            ("signature", "sig1=:AA==:"),
            ("content-digest", "sha-256=:AA==:"),
            ("x-correlator", "c-1"),
        ]);
        assert_eq!(
            forwarded_headers(&received, true),
            headers(&[("x-correlator", "c-1"), ("content-type", "application/octet-stream")])
        );
        assert_eq!(forwarded_headers(&received, false), headers(&[("x-correlator", "c-1")]));
    }
}
