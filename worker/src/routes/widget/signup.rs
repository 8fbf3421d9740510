//! `POST /widget/v1/signup`: the customer continues at the partner. The edge fetches the sign-up
//! token from the origin and opens the partner's sign-up with it; the browser sees neither the
//! token nor the PAI, only where to go, or what to read first.

use crate::call::Call;
use crate::config::{Operator, Partner};
use crate::fault::{Fault, HandlerError, Party};
use crate::mapping::{OtherOperators, cache_mapping};
use crate::platform::Platform;
use crate::response::json_response;
use crate::routes::widget::admit_widget_call;
use crate::routes::widget::frame_json::to_frame_json;
use crate::upstream::{OK_OR_CREATED, Recipient, post_json, query_for_widget};
use bytes::Bytes;
use futures_util::future::join;
use http::{Response, StatusCode};
use onbill_domain::site_origin::is_on_site_origin;
use onbill_domain::token::{self, SignupClaims};
use onbill_domain::wire::edge::{FlowStep, SignupAnswer, SignupRequest, SignupResponse};
use onbill_domain::wire::partner::{SignupSessionRequest, SignupSessionResponse};

/// 1. Steps shared by the frame's calls → 403, 413, 415, 429, 400.
/// 2. The origin mints the token → or its refusal; no valid response → 503 `service-unavailable`. What
///    the customer agrees to has changed since they have read it → 200 with the last step again.
/// 3. The token is one that the edge will accept from the partner → else 503 `service-unavailable`.
/// 4. The PAI's mapping is cached in KV, and the partner opens its sign-up, concurrently. The
///    partner fails → 503 `partner-unavailable`; KV fails → the call continues.
/// 5. 201 with the partner's page.
pub(crate) async fn post_signup<P: Platform>(call: &Call<'_, P>) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let (operator, request) = admit_widget_call::<_, SignupRequest>(call).await?;
    // 2.
    let signup = match query_for_widget(call, &operator, "/edge/v1/signup", &request).await? {
        SignupAnswer::Begins(signup) => *signup,
        SignupAnswer::ReadAgain(step) => return read_again(&operator, &step),
    };
    // 3.
    let partner = check_signup(call, &operator, &signup)
        .map_err(|what| Fault::Unexpected(Party::Operator(operator.id.clone()), what.to_owned()))?;
    // 4.
    let (pai, mapping) = (signup.pai, signup.mapping.clone());
    let ((), page) = join(
        cache_mapping(call, pai, &mapping, OtherOperators::NotAsked),
        open_session(call, &operator, partner, signup),
    )
    .await;
    // 5.
    Ok(json_response(StatusCode::CREATED, &page?)?)
}

/// The last step, and no other.
fn read_again(operator: &Operator, step: &FlowStep) -> Result<Response<Bytes>, HandlerError> {
    if matches!(step, FlowStep::Confirm { .. }) {
        return Ok(json_response(StatusCode::OK, &to_frame_json(step)?)?);
    }
    let party = Party::Operator(operator.id.clone());
    Err(Fault::Unexpected(party, "another step instead of a sign-up".to_owned()).into())
}

/// Refuses to begin a sign-up that would fail at its end: the edge will check this token again.
fn check_signup<'c, P: Platform>(
    call: &'c Call<'_, P>,
    operator: &Operator,
    signup: &SignupResponse,
) -> Result<&'c Partner, &'static str> {
    let partner = call.config.find_partner(signup.partner.as_str());
    let partner = partner.filter(|partner| operator.sells(&partner.id));
    let partner = partner.ok_or("a sign-up for a partner that the operator does not sell")?;
    let now = call.platform.now();
    let claims = token::verify::<SignupClaims>(operator.keys(), partner.id.as_str(), now, &signup.token);
    let claims = claims.map_err(|_| "a sign-up token that does not pass our own check")?;
    let consistent =
        claims.op == operator.id && claims.sub == signup.pai && signup.mapping.operator == operator.id;
    if consistent { Ok(partner) } else { Err("a sign-up that contradicts itself") }
}

/// Opens the partner's sign-up. The page must be the partner's own: the customer is sent there with
/// the top window.
async fn open_session<P: Platform>(
    call: &Call<'_, P>,
    operator: &Operator,
    partner: &Partner,
    signup: SignupResponse,
) -> Result<SignupSessionResponse, HandlerError> {
    let session = SignupSessionRequest {
        token: signup.token,
        operator: operator.id.clone(),
        channel: "web".to_owned(),
        locale: signup.locale,
        return_url: signup.return_url,
    };
    let url = format!("{}/signup-sessions", partner.url);
    let response = post_json(call, Recipient::Partner(partner), &url, &session).await?;
    let page: SignupSessionResponse = response.read(&OK_OR_CREATED, |_| false)?;
    if is_on_site_origin(&page.url, &partner.ui_site_origins) {
        Ok(page)
    } else {
        Err(response.unexpected("a sign-up page on an origin that is not the partner's").into())
    }
}
