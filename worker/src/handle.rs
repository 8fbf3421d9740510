//! One request to its answer: correlator, route, the answer's common headers, one line of log.
//!
//! Not here: what a route does. Faults are logged here and nowhere else.

use crate::call::Call;
use crate::config::{Config, ConfigFault};
use crate::correlation::correlator;
use crate::fault::{Fault, Stop};
use crate::platform::Platform;
use crate::router::{self, Route};
use crate::{answer, page, routes};
use bytes::Bytes;
use http::header::{ALLOW, HOST};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use onbill_domain::correlator::{Correlator, HEADER};
use onbill_domain::origin_url::origin_of;
use onbill_domain::reject::{Code, Reject};
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
    let route = router::find(request.uri().path());
    // 3.
    let outcome = match (&correlator, well_formed, route) {
        (None, ..) => Err(Fault::NoRandomness.into()),
        (_, Err(reject), _) => Err(reject.into()),
        (_, _, None) => Err(Reject::new(Code::NotFound, "There is nothing at this path.").into()),
        (_, _, Some(route)) if !route.takes(request.method()) => {
            Err(Reject::new(Code::MethodNotAllowed, "The path does not take this method.").into())
        }
        (Some(correlator), _, Some(route)) => dispatch(platform, config, correlator, route, request).await,
    };
    let stopped = outcome.as_ref().err().cloned();
    let mut response = outcome.unwrap_or_else(|stop| refuse(stop, route, request, platform));
    // 4.
    answer::finish(&mut response, request.uri().scheme_str() == Some("https"));
    if let (StatusCode::METHOD_NOT_ALLOWED, Some(route)) = (response.status(), route) {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(route.allow()));
    }
    if let Some(value) = correlator.as_ref().and_then(|text| HeaderValue::from_str(text.as_str()).ok()) {
        response.headers_mut().insert(HEADER, value);
    }
    if request.method() == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    // 5.
    platform.log(&log_line(
        correlator.as_ref(),
        request.method(),
        route,
        response.status(),
        stopped.as_ref(),
    ));
    response
}

async fn dispatch<P: Platform>(
    platform: &P,
    config: Result<&Config, &ConfigFault>,
    correlator: &Correlator,
    route: Route<'_>,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, Stop> {
    let call = || -> Result<Call<'_, P>, Stop> {
        let config = config.map_err(|fault| Fault::Config(fault.clone()))?;
        let own_origin =
            own_origin(request).ok_or_else(|| Reject::invalid("The Host header is missing or malformed."))?;
        Ok(Call { platform, config, correlator, own_origin, request })
    };
    match route {
        Route::Healthz => Ok(routes::healthz::get(config.is_ok())),
        Route::Loader => Ok(routes::widget::loader::get(request.headers())),
        Route::Frame => routes::widget::frame::get(&call()?),
        Route::Account => routes::widget::account::post(&call()?).await,
        Route::AccountUnlink => routes::widget::account_unlink::post(&call()?).await,
        Route::AccountValidate => routes::widget::account_validate::post(&call()?).await,
        Route::Pin => routes::widget::pin::post(&call()?).await,
        Route::Signup => routes::widget::signup::post(&call()?).await,
        Route::Result => routes::widget::result::post(&call()?).await,
        Route::Return { operator, ticket } => routes::widget::back::get(&call()?, operator, ticket).await,
        Route::OriginPaiMapping => routes::origin::pai_mapping::post(&call()?).await,
        Route::OriginPaiMappings => routes::origin::pai_mappings::post(&call()?).await,
        Route::OttAccountValidate => routes::ott::account_validate::post(&call()?).await,
        Route::OttPin => routes::ott::pin::post(&call()?).await,
        Route::OttTokenValidate => routes::ott::token_validate::post(&call()?).await,
        Route::OttCouponRedeem => routes::ott::coupon_redeem::post(&call()?).await,
        Route::OttNotification => routes::ott::notification::post(&call()?).await,
        Route::OttPartnerSubscription => routes::ott::partner_subscription::post(&call()?).await,
        Route::OttSubscriptionChange { partner_subscription_id } => {
            routes::ott::subscription_change::put(&call()?, partner_subscription_id).await
        }
        Route::OttTransaction => routes::ott::transaction::post(&call()?).await,
        Route::OttTransactionStatus { ext_transaction_id } => {
            routes::ott::transaction_status::get(&call()?, ext_transaction_id).await
        }
        Route::OttRefund { ext_transaction_id } => {
            routes::ott::refund::post(&call()?, ext_transaction_id).await
        }
        Route::OttRefundStatus { ext_transaction_id, ext_refund_id } => {
            routes::ott::refund_status::get(&call()?, ext_transaction_id, ext_refund_id).await
        }
    }
}

fn refuse<P: Platform>(
    stop: Stop,
    route: Option<Route<'_>>,
    request: &Request<Bytes>,
    platform: &P,
) -> Response<Bytes> {
    let reject = match stop {
        Stop::Reject(reject) => reject,
        Stop::Fault(fault) => fault.public(),
    };
    let page = route.filter(|route| route.is_page() && reject.code != Code::MethodNotAllowed);
    let page = page.and_then(|route| Some(page::refusal(route, &reject, request, platform.random()?)));
    page.unwrap_or_else(|| reject.into())
}

/// Scheme, host and port that the caller used.
fn own_origin(request: &Request<Bytes>) -> Option<String> {
    if request.uri().authority().is_some() {
        return origin_of(&format!("{}://{}", request.uri().scheme_str()?, request.uri().authority()?));
    }
    let mut hosts = request.headers().get_all(HOST).iter();
    let host = hosts.next()?.to_str().ok()?;
    if hosts.next().is_some() || host.contains(['/', '?', '#']) {
        return None;
    }
    origin_of(&format!("http://{host}"))
}

fn log_line(
    correlator: Option<&Correlator>,
    method: &Method,
    route: Option<Route<'_>>,
    status: StatusCode,
    stopped: Option<&Stop>,
) -> String {
    let mut line = json!({
        "level": if matches!(stopped, Some(Stop::Fault(_))) { "error" } else { "info" },
        "correlator": correlator.map(Correlator::as_str),
        // A method is the caller's text: only those that we take are repeated.
        "method": if [Method::GET, Method::HEAD, Method::POST, Method::PUT].contains(method) { method.as_str() } else { "other" },
        "route": route.map(Route::pattern),
        "status": status.as_u16(),
    });
    match (stopped, line.as_object_mut()) {
        (Some(Stop::Reject(reject)), Some(line)) => {
            line.insert("code".to_owned(), reject.code.as_str().into());
        }
        (Some(Stop::Fault(fault)), Some(line)) => {
            line.insert("code".to_owned(), fault.public().code.as_str().into());
            line.insert("fault".to_owned(), fault.to_string().into());
        }
        _ => {}
    }
    line.to_string()
}
