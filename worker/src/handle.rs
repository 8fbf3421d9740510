//! From one request to its response: correlator, route, common headers, one line of log.
//!
//! Not here: what a handler does. Faults are logged here and nowhere else.

use crate::call::Incoming;
use crate::config::{Config, ConfigFault};
use crate::correlation::{Correlation, read_correlation};
use crate::fault::{Fault, HandlerError};
use crate::platform::Platform;
use crate::router::{self, MatchedPath};
use crate::routes::{Endpoint, ROUTES, dispatch};
use crate::{page, response};
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use onbill_domain::correlator::HEADER;
use onbill_domain::reject::{ErrorCode, Reject};
use serde_json::json;

/// Responds to one request.
///
/// Its URI is absolute, as it is on the Workers platform; a request with a path only (and `Host`)
/// is taken for plain http. Its body may be cut off anywhere past `limits::BODY_BYTES_MAX`.
pub async fn handle<P: Platform>(platform: &P, config: &Config, request: Request<Bytes>) -> Response<Bytes> {
    let misplacement = config.find_misplacement(&request);
    let config = misplacement.as_ref().map_or(Ok(config), Err);
    respond(platform, config, &request).await
}

/// Responds to one request of a deployment whose configuration is unusable: every call is 503.
pub async fn handle_unconfigured<P: Platform>(
    platform: &P,
    fault: &ConfigFault,
    request: Request<Bytes>,
) -> Response<Bytes> {
    respond(platform, Err(fault), &request).await
}

/// 1. Correlator and trace are the caller's or begin here (malformed correlator → 400; no randomness
///    → 500).
/// 2. Path and method find the route (→ 404, 405 with `Allow`).
/// 3. The handler responds, refuses or fails. On paths that browsers open, refusals and failures
///    are pages.
/// 4. Every response gets the correlator and the common headers; `HEAD` loses its body.
/// 5. One line of log: a fault with its cause, never a body, a number, a token or the path itself.
async fn respond<P: Platform>(
    platform: &P,
    config: Result<&Config, &ConfigFault>,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    // 1.
    let (correlation, well_formed) = read_correlation(platform, request.headers());
    // 2.
    let path = router::match_path(ROUTES, request.uri().path());
    let path = path.as_ref();
    let route = path.and_then(|path| path.route(request.method()));
    // 3.
    let result = match (&correlation, well_formed, path, route) {
        (None, ..) => Err(Fault::NoRandomness.into()),
        (_, Err(reject), ..) => Err(reject.into()),
        (_, _, None, _) => Err(Reject::new(ErrorCode::NotFound, "There is nothing at this path.").into()),
        (_, _, _, None) => {
            Err(Reject::new(ErrorCode::MethodNotAllowed, "The path does not take this method.").into())
        }
        (Some(correlation), _, Some(path), Some(route)) => {
            dispatch(route.endpoint, path, &Incoming { platform, config, correlation, request }).await
        }
    };
    let error = result.as_ref().err().cloned();
    let mut response = result.unwrap_or_else(|error| refusal_response(error, path, request, platform));
    // 4.
    response::add_common_headers(&mut response, request.uri().scheme_str() == Some("https"));
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Some(allow) = path.and_then(|path| HeaderValue::try_from(path.allow()).ok())
    {
        response.headers_mut().insert(ALLOW, allow);
    }
    let correlator = correlation.as_ref().map(|correlation| correlation.correlator.as_str());
    if let Some(value) = correlator.and_then(|text| HeaderValue::from_str(text).ok()) {
        response.headers_mut().insert(HEADER, value);
    }
    if request.method() == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    // 5.
    platform.log(&format_log_line(
        correlation.as_ref(),
        request.method(),
        path,
        response.status(),
        error.as_ref(),
    ));
    response
}

fn refusal_response<P: Platform>(
    error: HandlerError,
    path: Option<&MatchedPath<'_, Endpoint>>,
    request: &Request<Bytes>,
    platform: &P,
) -> Response<Bytes> {
    let reject = match error {
        HandlerError::Reject(reject) => reject,
        HandlerError::Fault(fault) => fault.public_reject(),
    };
    let page =
        path.and_then(MatchedPath::refusal_page).filter(|_| reject.code != ErrorCode::MethodNotAllowed);
    let page = page.and_then(|page| page::refusal(page, &reject, request, platform.random_bytes()?).ok());
    page.unwrap_or_else(|| reject.into())
}

fn format_log_line(
    correlation: Option<&Correlation>,
    method: &Method,
    path: Option<&MatchedPath<'_, Endpoint>>,
    status: StatusCode,
    error: Option<&HandlerError>,
) -> String {
    let mut line = json!({
        "level": if matches!(error, Some(HandlerError::Fault(_))) { "error" } else { "info" },
        "correlator": correlation.map(|correlation| correlation.correlator.as_str()),
        "trace": correlation.and_then(Correlation::trace_id),
        // A method is the caller's text: only those that a route takes are repeated.
        "method": if router::is_taken_anywhere(ROUTES, method) { method.as_str() } else { "other" },
        "route": path.map(MatchedPath::pattern),
        "status": status.as_u16(),
    });
    match (error, line.as_object_mut()) {
        (Some(HandlerError::Reject(reject)), Some(line)) => {
            line.insert("code".to_owned(), reject.code.as_str().into());
        }
        (Some(HandlerError::Fault(fault)), Some(line)) => {
            line.insert("code".to_owned(), fault.public_reject().code.as_str().into());
            line.insert("fault".to_owned(), fault.to_string().into());
            if let Some(alarm) = fault.alarm() {
                line.insert("alarm".to_owned(), alarm.into());
            }
        }
        _ => {}
    }
    line.to_string()
}
