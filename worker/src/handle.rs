//! From one request to its response: correlator, route, common headers, one line of log, one data
//! point.
//!
//! Not here: what a handler does. Faults are logged here and nowhere else.

use crate::call::Incoming;
use crate::config::{Config, ConfigFault};
use crate::correlation::{Correlation, read_correlation};
use crate::fault::{Fault, HandlerError};
use crate::log_line::{LogLine, VERSION};
use crate::notes::{CallNotes, elapsed_ms};
use crate::platform::{DataPoint, Platform};
use crate::router::{self, MatchedPath};
use crate::routes::{Endpoint, ROUTES, dispatch};
use crate::{page, response};
use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use onbill_domain::correlator::HEADER;
use onbill_domain::locale::Locale;
use onbill_domain::reject::{ErrorCode, Reject};

/// Responds to one request.
///
/// Its URI is absolute, as it is on the Workers platform; a request with a path only (and `Host`)
/// is taken for plain http. Its body may be cut off anywhere past `limits::BODY_BYTES_MAX`.
pub async fn handle<P: Platform>(platform: &P, config: &Config, request: Request<Bytes>) -> Response<Bytes> {
    let misplacement = config.find_misplacement(&request);
    let config = misplacement.as_ref().map_or(Ok(config), Err);
    respond_to_call(platform, config, &request).await
}

/// Responds to one request of a deployment whose configuration is unusable: every call is 503.
pub async fn handle_unconfigured<P: Platform>(
    platform: &P,
    fault: &ConfigFault,
    request: Request<Bytes>,
) -> Response<Bytes> {
    respond_to_call(platform, Err(fault), &request).await
}

/// 1. Correlator and trace are the caller's or begin here (malformed correlator → 400; no randomness
///    → 500).
/// 2. Path and method find the route (→ 404, 405 with `Allow`).
/// 3. The handler responds, refuses or fails. On paths that browsers open, refusals and failures
///    are pages.
/// 4. Every response gets the correlator and the common headers; `HEAD` loses its body.
/// 5. One line of log and one data point: a fault with its cause, never a body, a number, a token or
///    the path itself.
async fn respond_to_call<P: Platform>(
    platform: &P,
    config: Result<&Config, &ConfigFault>,
    request: &Request<Bytes>,
) -> Response<Bytes> {
    let (began_at, notes) = (platform.now_milliseconds(), CallNotes::default());
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
            dispatch(
                route.endpoint,
                path,
                &Incoming { platform, config, correlation, notes: &notes, request },
            )
            .await
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
    let now = platform.now_milliseconds();
    let call = HandledCall {
        correlation: correlation.as_ref(),
        method: request.method(),
        route: path.map_or("none", MatchedPath::pattern),
        status: response.status(),
        error: error.as_ref(),
        notes: &notes,
        duration_ms: elapsed_ms(began_at, now),
    };
    platform.log(&call.format_log_line(now));
    platform.record(&call.to_data_point());
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

/// A call that has its response.
struct HandledCall<'a> {
    correlation: Option<&'a Correlation>,
    method: &'a Method,
    /// The pattern of its route.
    route: &'static str,
    status: StatusCode,
    error: Option<&'a HandlerError>,
    notes: &'a CallNotes,
    duration_ms: u32,
}

impl HandledCall<'_> {
    fn format_log_line(&self, now: i64) -> String {
        let (level, outcome) = match self.error {
            None => ("info", "ok"),
            Some(HandlerError::Reject(_)) => ("info", "refused"),
            Some(HandlerError::Fault(_)) => ("error", "failed"),
        };
        let mut line = LogLine::new(now, level, "answered", self.correlation);
        // A method is the caller's text: only those that a route takes are repeated.
        let is_known = router::is_taken_anywhere(ROUTES, self.method);
        line.add("method", if is_known { self.method.as_str() } else { "other" });
        line.add("route", self.route);
        line.add("status", self.status.as_u16());
        line.add_some("operator", self.notes.operator().map(|operator| operator.to_string()));
        line.add_some("partner", self.notes.partner().map(|partner| partner.to_string()));
        line.add("outcome", outcome);
        line.add_some("reason", self.reason());
        if let Some(HandlerError::Fault(fault)) = self.error {
            line.add("fault", fault.to_string());
            line.add_some("alarm", fault.alarm());
        }
        line.add("duration_ms", self.duration_ms);
        line.add("origin_ms", self.notes.origin_ms());
        line.to_text()
    }

    /// The error code that the caller got.
    fn reason(&self) -> Option<&'static str> {
        let code = match self.error? {
            HandlerError::Reject(reject) => reject.code,
            HandlerError::Fault(fault) => fault.public_reject().code,
        };
        Some(code.as_str())
    }

    /// The positions are those that `docs/operate/logs.md` gives: queries name them by number.
    fn to_data_point(&self) -> DataPoint {
        let operator = self.notes.operator().map(|operator| operator.to_string());
        let partner = self.notes.partner().map(|partner| partner.to_string());
        DataPoint {
            index: operator.clone().unwrap_or_else(|| self.route.to_owned()),
            words: [
                self.route.to_owned(),
                operator.unwrap_or_default(),
                partner.unwrap_or_default(),
                self.status.as_str().to_owned(),
                self.reason().unwrap_or_default().to_owned(),
                VERSION.to_owned(),
                self.notes.locale().map(Locale::as_str).unwrap_or_default().to_owned(),
            ],
            numbers: [self.duration_ms.into(), self.notes.origin_ms().into()],
        }
    }
}
