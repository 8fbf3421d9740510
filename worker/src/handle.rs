//! One request to its answer: correlator, route, the answer's common headers, one line of log.
//!
//! Not here: what a route does. Faults are logged here and nowhere else.

use crate::call::Incoming;
use crate::config::{Config, ConfigFault};
use crate::correlation::correlator;
use crate::fault::{Fault, HandlerError};
use crate::platform::Platform;
use crate::router::{self, MatchedPath};
use crate::routes::dispatch;
use crate::{answer, page};
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use onbill_domain::correlator::{Correlator, HEADER};
use onbill_domain::reject::{ErrorCode, Reject};
use serde_json::json;

/// Answers one request.
///
/// Its URI is absolute, as it is on the Workers platform; a host whose requests have a path only (and `Host`) is
/// taken to speak plain http. The body is what came, cut off anywhere past `limits::BODY_BYTES_MAX`.
pub async fn handle<P: Platform>(platform: &P, config: &Config, request: Request<Bytes>) -> Response<Bytes> {
    answer(platform, Ok(config), &request).await
}

/// Answers one request of a deployment whose configuration is broken: the loader script works, nothing else does.
pub async fn handle_unconfigured<P: Platform>(
    platform: &P,
    fault: &ConfigFault,
    request: Request<Bytes>,
) -> Response<Bytes> {
    answer(platform, Err(fault), &request).await
}

/// 1. The correlator is taken or made up (malformed → 400; no randomness → 500).
/// 2. Path and method find the route (→ 404, 405 with `Allow`).
/// 3. The route answers, refuses or fails. Where a person looks, refusals and failures are pages.
/// 4. Every answer gets the correlator and the common headers; `HEAD` loses its body.
/// 5. One line of log: a fault with its inside, never a body, a number, a token or the path itself.
async fn answer<P: Platform>(
    platform: &P,
    config: Result<&Config, &ConfigFault>,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    // 1.
    let (correlator, well_formed) = correlator(platform, request.headers());
    // 2.
    let path = router::find(request.uri().path());
    let route = path.and_then(|path| path.route(request.method()));
    // 3.
    let outcome = match (&correlator, well_formed, path, route) {
        (None, ..) => Err(Fault::NoRandomness.into()),
        (_, Err(reject), ..) => Err(reject.into()),
        (_, _, None, _) => Err(Reject::new(ErrorCode::NotFound, "There is nothing at this path.").into()),
        (_, _, _, None) => {
            Err(Reject::new(ErrorCode::MethodNotAllowed, "The path does not take this method.").into())
        }
        (Some(correlator), _, Some(path), Some(route)) => {
            dispatch(route.endpoint, path, &Incoming { platform, config, correlator, request }).await
        }
    };
    let stopped = outcome.as_ref().err().cloned();
    let mut response = outcome.unwrap_or_else(|stop| refuse(stop, path, request, platform));
    // 4.
    answer::finish(&mut response, request.uri().scheme_str() == Some("https"));
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = path.and_then(|path| HeaderValue::try_from(path.allow()).ok())
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    if let Some(value) = correlator.as_ref().and_then(|text| HeaderValue::from_str(text.as_str()).ok()) {
        response.headers_mut().insert(HEADER, value);
    }
    if request.method() == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    // 5.
    platform.log(&log_line(correlator.as_ref(), request.method(), path, response.status(), stopped.as_ref()));
    response
}

fn refuse<P: Platform>(
    stop: HandlerError,
    path: Option<MatchedPath<'_>>,
    request: &Request<Bytes>,
    platform: &P,
) -> Response<Bytes> {
    let reject = match stop {
        HandlerError::Reject(reject) => reject,
        HandlerError::Fault(fault) => fault.public(),
    };
    let page =
        path.and_then(MatchedPath::refusal_page).filter(|_| reject.code != ErrorCode::MethodNotAllowed);
    let page = page.and_then(|page| Some(page::refusal(page, &reject, request, platform.random()?)));
    page.unwrap_or_else(|| reject.into())
}

fn log_line(
    correlator: Option<&Correlator>,
    method: &Method,
    path: Option<MatchedPath<'_>>,
    status: StatusCode,
    stopped: Option<&HandlerError>,
) -> String {
    let mut line = json!({
        "level": if matches!(stopped, Some(HandlerError::Fault(_))) { "error" } else { "info" },
        "correlator": correlator.map(Correlator::as_str),
        // A method is the caller's text: only those that we take are repeated.
        "method": if router::is_taken_anywhere(method) { method.as_str() } else { "other" },
        "route": path.map(MatchedPath::pattern),
        "status": status.as_u16(),
    });
    match (stopped, line.as_object_mut()) {
        (Some(HandlerError::Reject(reject)), Some(line)) => {
            line.insert("code".to_owned(), reject.code.as_str().into());
        }
        (Some(HandlerError::Fault(fault)), Some(line)) => {
            line.insert("code".to_owned(), fault.public().code.as_str().into());
            line.insert("fault".to_owned(), fault.to_string().into());
        }
        _ => {}
    }
    line.to_string()
}
