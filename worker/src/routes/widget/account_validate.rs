//! `POST /widget/v1/account/validate`: the customer entered a number. The origin decides whether it
//! is one, and whose: the edge passes it on and keeps nothing of it.

use crate::admission::check_pin_rate;
use crate::call::Call;
use crate::challenge::check_challenge;
use crate::fault::HandlerError;
use crate::platform::Platform;
use crate::routes::widget::{admit_widget_call, step_response};
use crate::upstream::query_for_widget;
use bytes::Bytes;
use http::Response;
use onbill_domain::limits::MSISDN_INPUT_BYTES_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::return_url::check_return_url;
use onbill_domain::wire::edge::{ChallengeField, FlowPurpose, FlowStep, ValidateRequest};
use onbill_domain::wire::parse;

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400; within the rate for numbers → else
///    429.
/// 2. The operator sells the offer, if one is wanted → else 400 `parameter-not-supported`.
/// 3. The number has a plausible length → else 400 `invalid-request`.
/// 4. The return URL is on one of the operator's dashboards, and has no result yet → else 400
///    `invalid-request`.
/// 5. A solved challenge is a good one → else 403 `challenge-required`, 503.
/// 6. The origin gives the next step → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_account_validate<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, mut request) = admit_widget_call::<_, ValidateRequest>(call).await?;
    check_pin_rate(call).await?;
    // 2.
    if let FlowPurpose::SignUp { offer } = &request.purpose
        && call.config.find_partner_by_offer(&operator, offer).is_none()
    {
        return Err(Reject::new(ErrorCode::ParameterNotSupported, "This offer is not served here.").into());
    }
    // 3.
    if !(1..=MSISDN_INPUT_BYTES_MAX).contains(&request.msisdn.len()) {
        return Err(Reject::invalid_request("msisdn is not a phone number.").into());
    }
    // 4.
    if let Some(url) = &request.return_url {
        check_return_url(url, &operator.dashboards)
            .map_err(|fault| Reject::invalid_request(fault.message()))?;
    }
    // 5.
    let ChallengeField { token } = parse(call.request.body())?;
    request.challenge = check_challenge(call, token.as_deref()).await?;
    // 6.
    let next: FlowStep = query_for_widget(call, &operator, "/edge/v1/validate", &request).await?;
    step_response(&next, request.locale)
}
