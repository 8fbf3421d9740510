//! The Workers platform: this file and `entry.rs` alone name the `worker` crate.
//!
//! Requests and responses are converted by hand: the crate's own conversions stop at a header that
//! is not ASCII, take an unknown method for `GET`, and stream a body of which the length is known.

use super::{KvUnavailable, Platform, RateLimiter, SEND_SECONDS_MAX, Unreachable};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use onbill_domain::limits::BODY_BYTES_MAX;
use onbill_domain::timestamp::Timestamp;
use std::pin::pin;
use std::time::Duration;
use worker::js_sys::Uint8Array;
use worker::{AbortController, AbortSignal, ByteStream, Date, Delay, Env, Fetch, RequestInit, console_log};

/// The platform as one request sees it.
pub(crate) struct Workers {
    env: Env,
}

impl Workers {
    pub(crate) fn new(env: Env) -> Self {
        Self { env }
    }
}

impl Platform for Workers {
    async fn kv_get(&self, key: &str) -> Result<Option<String>, KvUnavailable> {
        let store = self.env.kv("PAI_MAPPINGS").map_err(|_| KvUnavailable)?;
        store.get(key).text().await.map_err(|_| KvUnavailable)
    }

    async fn kv_put(&self, key: &str, value: &str) -> Result<(), KvUnavailable> {
        let store = self.env.kv("PAI_MAPPINGS").map_err(|_| KvUnavailable)?;
        store.put(key, value).map_err(|_| KvUnavailable)?.execute().await.map_err(|_| KvUnavailable)
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let controller = AbortController::default();
        let signal = controller.signal();
        let call = pin!(send_and_read(request, &signal));
        let deadline = pin!(Delay::from(Duration::from_secs(SEND_SECONDS_MAX)));
        match select(call, deadline).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => {
                controller.abort();
                Err(Unreachable::TimedOut)
            }
        }
    }

    async fn is_within_rate(&self, limiter: RateLimiter, key: &str) -> bool {
        let binding = match limiter {
            RateLimiter::Widget => "WIDGET_RATE",
            RateLimiter::Pin => "PIN_RATE",
            RateLimiter::Partner => "PARTNER_RATE",
            RateLimiter::Device => "DEVICE_RATE",
        };
        let Ok(limiter) = self.env.rate_limiter(binding) else { return true };
        limiter.limit(key.to_owned()).await.map_or(true, |outcome| outcome.success)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(i64::try_from(Date::now().as_millis() / 1000).unwrap_or(i64::MAX))
    }

    #[expect(clippy::disallowed_methods, reason = "this is the adapter around the platform's randomness")]
    fn random_bytes(&self) -> Option<[u8; 16]> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).ok().map(|()| bytes)
    }

    fn log(&self, line: &str) {
        console_log!("{line}");
    }
}

async fn send_and_read(
    request: Request<Bytes>,
    signal: &AbortSignal,
) -> Result<Response<Bytes>, Unreachable> {
    let broken = |_: worker::Error| Unreachable::Broken;
    let (parts, body) = request.into_parts();
    let mut init = RequestInit::new();
    init.with_method(parts.method.as_str().to_owned().into());
    init.with_redirect(worker::RequestRedirect::Manual);
    init.with_headers(to_headers(&parts.headers));
    if !body.is_empty() {
        init.with_body(Some(Uint8Array::from(&body[..]).into()));
    }
    let request = worker::Request::new_with_init(&parts.uri.to_string(), &init).map_err(broken)?;
    let mut received = Fetch::Request(request).send_with_signal(signal).await.map_err(broken)?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = received.status_code().try_into().map_err(|_| Unreachable::Broken)?;
    *response.headers_mut() = from_headers(received.headers());
    if let Ok(stream) = received.stream() {
        *response.body_mut() = read_body(stream).await.map_err(broken)?;
    }
    if response.body().len() > BODY_BYTES_MAX { Err(Unreachable::TooLarge) } else { Ok(response) }
}

/// Reads an incoming request. Its body is not read when its length says that it is too large, and
/// never far past the limit: the handler sees that it is. `None` when its URL or method is not
/// valid HTTP.
pub(crate) async fn read_request(mut incoming: worker::Request) -> Option<Request<Bytes>> {
    let mut request = Request::new(Bytes::new());
    *request.method_mut() = incoming.inner().method().parse().ok()?;
    *request.uri_mut() = incoming.inner().url().parse().ok()?;
    *request.headers_mut() = from_headers(incoming.headers());
    let claimed = request.headers().get(http::header::CONTENT_LENGTH);
    let claimed = claimed.and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let has_body = ![Method::GET, Method::HEAD].contains(request.method());
    if has_body
        && claimed.is_none_or(|bytes| bytes <= BODY_BYTES_MAX)
        && let Ok(stream) = incoming.stream()
    {
        *request.body_mut() = read_body(stream).await.ok()?;
    }
    Some(request)
}

/// Reads a body until its end, or until it is over the limit.
async fn read_body(mut stream: ByteStream) -> Result<Bytes, worker::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = stream.next().await {
        body.extend_from_slice(&chunk?);
        if body.len() > BODY_BYTES_MAX {
            break;
        }
    }
    Ok(Bytes::from(body))
}

/// The response in the platform's own type.
pub(crate) fn to_worker_response(response: Response<Bytes>) -> worker::Response {
    let (parts, body) = response.into_parts();
    let builder = worker::Response::builder()
        .with_status(parts.status.as_u16())
        .with_headers(to_headers(&parts.headers));
    // A 303 and a 304 have no body, and the platform refuses to be given an empty one.
    if body.is_empty() { builder.empty() } else { builder.fixed(body.to_vec()) }
}

fn to_headers(map: &HeaderMap) -> worker::Headers {
    map.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect()
}

fn from_headers(headers: &worker::Headers) -> HeaderMap {
    let entries = headers.entries().filter_map(|(name, value)| {
        Some((HeaderName::from_bytes(name.as_bytes()).ok()?, HeaderValue::from_bytes(value.as_bytes()).ok()?))
    });
    entries.collect()
}
