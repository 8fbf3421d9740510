//! A party with one planted fault: it stands before the sandbox's router, and changes what passes.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, StatusCode};
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tower::ServiceExt as _;

/// More than any party answers.
const BYTES_MAX: usize = 1 << 20;

/// What a faulty party remembers between its calls.
#[derive(Default)]
pub(super) struct Memory {
    /// How often something came.
    counts: HashMap<String, u64>,
    /// What is under way at the moment.
    under_way: HashSet<String>,
    /// Something that was answered before.
    pub(super) kept: Option<Value>,
}

/// The party behind the fault, and the memory of the fault.
pub(super) struct Behind {
    router: Router,
    memory: Mutex<Memory>,
}

impl Behind {
    /// Passes a call on.
    pub(super) async fn pass(&self, request: Request<Bytes>) -> Whole {
        let response = self.router.clone().oneshot(request.map(Body::from)).await;
        let (parts, body) = response.expect("routers do not fail").into_parts();
        let body = to_bytes(body, BYTES_MAX).await.expect("is whole");
        Whole { response: http::Response::from_parts(parts, body) }
    }

    pub(super) fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How often this came before, and counts it.
    pub(super) fn times_before(&self, what: &str) -> u64 {
        let mut memory = self.memory();
        let count = memory.counts.entry(what.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    /// The highest number that came before under this name, and remembers the higher one.
    pub(super) fn highest_before(&self, what: &str, now: u64) -> u64 {
        let mut memory = self.memory();
        let highest = memory.counts.entry(what.to_owned()).or_default();
        std::mem::replace(highest, now.max(*highest))
    }

    /// Whether this has begun and not ended; begins it otherwise.
    pub(super) fn is_under_way(&self, what: &str) -> bool {
        !self.memory().under_way.insert(what.to_owned())
    }

    pub(super) fn end(&self, what: &str) {
        self.memory().under_way.remove(what);
    }
}

/// A whole response, which a fault may change.
pub(super) struct Whole {
    pub(super) response: http::Response<Bytes>,
}

impl Whole {
    pub(super) fn json(status: u16, body: &Value) -> Self {
        Self::text(status, "application/json", body.to_string())
    }

    pub(super) fn html(status: u16, body: &'static str) -> Self {
        Self::text(status, "text/html", body.to_owned())
    }

    fn text(status: u16, content_type: &'static str, body: String) -> Self {
        let mut response = http::Response::new(Bytes::from(body));
        *response.status_mut() = StatusCode::from_u16(status).expect("is a status");
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        Self { response }
    }

    pub(super) fn empty(status: u16) -> Self {
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = StatusCode::from_u16(status).expect("is a status");
        Self { response }
    }

    pub(super) fn redirect() -> Self {
        let mut whole = Self::empty(307);
        whole.response.headers_mut().insert("location", HeaderValue::from_static("/elsewhere"));
        whole
    }

    pub(super) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    pub(super) fn body(&self) -> Value {
        serde_json::from_slice(self.response.body()).unwrap_or_default()
    }

    /// The same status with another body.
    pub(super) fn with_body(self, body: &Value) -> Self {
        Self::json(self.status(), body)
    }

    /// The response as it is sent.
    pub(super) fn send(self) -> Response {
        let (mut parts, body) = self.response.into_parts();
        parts.headers.remove("content-length");
        Response::from_parts(parts, Body::from(body))
    }

    /// The first bytes, and then the end of the connection.
    pub(super) fn cut_off(self) -> Response {
        let (mut parts, body) = self.response.into_parts();
        parts.headers.remove("content-length");
        let first = body.slice(..body.len() / 2);
        let chunks = [Ok(first), Err(io::Error::other("cut off"))];
        Response::from_parts(parts, Body::from_stream(stream::iter(chunks)))
    }
}

/// What a fault does with a call.
pub(super) type Fault = for<'b> fn(&'b Behind, Request<Bytes>) -> BoxFuture<'b, Response>;

/// The router with the fault before it.
pub(super) fn faulty(router: Router, fault: Fault) -> Router {
    let behind = Arc::new(Behind { router, memory: Mutex::default() });
    Router::new().fallback(move |request: Request<Body>| {
        let behind = Arc::clone(&behind);
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, BYTES_MAX).await.unwrap_or_default();
            fault(&behind, Request::from_parts(parts, body)).await
        }
    })
}

/// No fault.
pub(super) fn none(behind: &Behind, request: Request<Bytes>) -> BoxFuture<'_, Response> {
    Box::pin(async move { behind.pass(request).await.send() })
}

/// The body of a call.
pub(super) fn body_of(request: &Request<Bytes>) -> Value {
    serde_json::from_slice(request.body()).unwrap_or_default()
}

/// Whether it is this call.
pub(super) fn is_call(request: &Request<Bytes>, method: &str, path: &str) -> bool {
    request.method() == method && request.uri().path() == path
}
