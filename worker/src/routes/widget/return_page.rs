//! `GET /widget/v1/return/{operator}/{ticket}`: the partner sends the customer's browser here, and
//! the origin knows the outcome of the visit. The browser is redirected to the operator's page with
//! the signed result.

use crate::admission::check_widget_rate;
use crate::call::Call;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::query::find_parameter;
use crate::upstream::{OK_OR_CREATED, post_to_origin};
use bytes::Bytes;
use http::header::{LOCATION, REFERRER_POLICY};
use http::{HeaderValue, Response, StatusCode};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::site_origin::is_on_site_origin;
use onbill_domain::wire::edge::{ReturnRequest, ReturnResponse};

/// 1. The address is within its rate → else 429.
/// 2. We serve the operator and the ticket could be one → else 404.
/// 3. The origin knows the outcome → or 404; no valid response → 503. All three are pages.
/// 4. 303 to the operator's page: never to one that is not on its dashboards (→ 503).
pub(crate) async fn get_return_page<P: Platform>(
    call: &Call<'_, P>,
    operator: &str,
    ticket: &str,
) -> Result<Response<Bytes>, HandlerError> {
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such return page.");
    // 1.
    check_widget_rate(call).await?;
    // 2.
    let operator = call.find_operator(operator).await?.ok_or_else(not_found)?;
    let ticket = ExtId::parse(ticket).ok_or_else(not_found)?;
    // 3.
    let cancelled = find_parameter(call.request.uri().query().unwrap_or_default(), "outcome").as_deref()
        == Some("cancelled");
    let request = ReturnRequest { ticket: ticket.as_str().to_owned(), cancelled };
    let response = post_to_origin(call, &operator, "/edge/v1/return", &request).await?;
    let no_such_visit = |code| matches!(code, ErrorCode::NotFound | ErrorCode::InvalidRequest);
    let asks_to_wait = |code| matches!(code, ErrorCode::TooManyRequests | ErrorCode::ServiceUnavailable);
    let visit = response.read(&OK_OR_CREATED, |code| no_such_visit(code) || asks_to_wait(code));
    let ReturnResponse { location } = visit.map_err(|error| match error {
        HandlerError::Reject(reject) if no_such_visit(reject.code) => not_found().into(),
        error => error,
    })?;
    // 4.
    let to =
        HeaderValue::from_str(&location).ok().filter(|_| is_on_site_origin(&location, &operator.dashboards));
    let to = to.ok_or_else(|| response.unexpected("a return page on a foreign site"))?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, to);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}
