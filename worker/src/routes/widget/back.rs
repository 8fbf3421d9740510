//! `GET /widget/v1/return/{operator}/{ticket}`: the partner sends the customer's browser here, and the origin says how
//! the visit ended. The browser leaves with the signed result for the operator's page.

use crate::admission::widget_rate;
use crate::call::Call;
use crate::fault::{Fault, Party, Stop};
use crate::origin::{read_answer, read_refusal, send, unexpected};
use crate::platform::Platform;
use crate::query::parameter;
use bytes::Bytes;
use http::header::{LOCATION, REFERRER_POLICY};
use http::{HeaderValue, Response, StatusCode};
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::site_origin::is_on_site_origin;
use onbill_domain::wire::edge::{ReturnRequest, ReturnResponse};

/// 1. The address is within its rate → else 429.
/// 2. We serve the operator and the ticket could be one → else 404.
/// 3. The origin knows how it ended → or 404; no proper answer → 503. All three are pages.
/// 4. 303 to the operator's page: never to one that is not on its dashboards (→ 503).
pub(crate) async fn get<P: Platform>(
    call: &Call<'_, P>,
    operator: &str,
    ticket: &str,
) -> Result<Response<Bytes>, Stop> {
    let over = || Reject::new(ErrorCode::NotFound, "There is no such way back.");
    // 1.
    widget_rate(call).await?;
    // 2.
    let operator = call.config.operator(operator).ok_or_else(over)?;
    let ticket = ExtId::parse(ticket).ok_or_else(over)?;
    // 3.
    let cancelled =
        parameter(call.request.uri().query().unwrap_or_default(), "outcome").as_deref() == Some("cancelled");
    let question = ReturnRequest { ticket: ticket.as_str().to_owned(), cancelled };
    let response = send(call, operator, "/edge/v1/return", &question).await?;
    let party = Party::Operator(operator.id.clone());
    let ReturnResponse { location } = if response.status().is_success() {
        read_answer(&response, &party)?
    } else {
        return Err(match read_refusal(&response) {
            Some(Reject { code: ErrorCode::NotFound | ErrorCode::InvalidRequest, .. }) => over().into(),
            Some(reject)
                if [ErrorCode::TooManyRequests, ErrorCode::ServiceUnavailable].contains(&reject.code) =>
            {
                reject.into()
            }
            other => unexpected(party, &response, other.map(|reject| reject.code)).into(),
        });
    };
    // 4.
    let to =
        HeaderValue::from_str(&location).ok().filter(|_| is_on_site_origin(&location, &operator.dashboards));
    let to = to.ok_or_else(|| Fault::Unexpected(party, "a way back to a foreign page".to_owned()))?;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(LOCATION, to);
    response.headers_mut().insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}
