//! `POST /signup-sessions`: the edge announces a customer.

use super::Netflix;
use super::edge::EdgeFailure;
use super::members::SignupVisit;
use crate::answer::Refusal;
use axum::Json;
use axum::extract::{Request, State};
use http::StatusCode;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::site_origin;
use onbill_domain::wire;
use onbill_domain::wire::ott::{TokenValidateRequest, TokenValidateResponse};
use onbill_domain::wire::partner::{SignupSessionRequest, SignupSessionResponse};

const TOKEN: &str = "/ott/v1/token/validate";

/// The only offer on sale here.
const OFFER: &str = "netflix-standard";

/// Opens a sign-up page for the subscriber of the token.
///
/// 1. Not signed by the edge for this endpoint, now, for the first time → 401; not well formed →
///    400, 413, 415.
/// 2. An operator without a contract, a return address that is not the edge's → 400.
/// 3. The edge is asked to resolve the token; its refusal is passed on, no response is a 503.
/// 4. The session and the token must agree, and be about an offer that exists → 400.
/// 5. 201 with the page's address. Of the customer, the PAI is kept.
pub(super) async fn post_signup_session(
    State(netflix): State<Netflix>,
    request: Request,
) -> Result<(StatusCode, Json<SignupSessionResponse>), Refusal> {
    // 1. The caller.
    let body = netflix.0.gate.admit(request, netflix.now()).await?;
    let session: SignupSessionRequest = wire::parse(&body)?;

    // 2. What can be checked here.
    let config = &netflix.0.config;
    if config.operator(&session.operator).is_none() {
        return Err(Reject::new(
            ErrorCode::ParameterNotSupported,
            "operator is not one we have a contract with.",
        )
        .into());
    }
    if !site_origin::is_on_site_origin(&session.return_url, std::slice::from_ref(&config.edge_url)) {
        return Err(Reject::invalid_request("returnURL is not the edge's.").into());
    }
    if session.channel != "web" {
        return Err(Reject::new(ErrorCode::ParameterNotSupported, "channel must be web.").into());
    }

    // 3. The token.
    let (id, asked_at) = (netflix.0.outside.random.uuid(), netflix.now());
    let worth = validate(&netflix, session.token, &id).await?;

    // 4. Session and token must agree.
    if worth.operator != session.operator || worth.return_url != session.return_url {
        return Err(Reject::invalid_request("The session does not agree with its token.").into());
    }
    if worth.offer.as_str() != OFFER || worth.status != "ACTIVE" {
        return Err(Reject::new(
            ErrorCode::ParameterNotSupported,
            "The token is for an offer that we do not have.",
        )
        .into());
    }

    // 5. The visit.
    let ext_subscription_id = netflix.subscription_name();
    let visit = SignupVisit {
        pai: worth.pai,
        operator: worth.operator,
        return_url: worth.return_url,
        started_at: netflix.now(),
        ext_subscription_id,
        paid_until: worth.paid_until,
        account_id: None,
    };
    let url = format!("{}/signup/{id}", config.public_url);
    netflix.ledger().meet(&visit.operator, visit.pai, asked_at);
    netflix.members().open(id, visit);
    Ok((StatusCode::CREATED, Json(SignupSessionResponse { url })))
}

impl Netflix {
    /// An id for a subscription that may follow.
    pub(super) fn subscription_name(&self) -> ExtId {
        let name = format!("sub-{}", self.0.outside.random.uuid());
        ExtId::parse(&name).expect("a word and a UUID are an identifier")
    }
}

async fn validate(netflix: &Netflix, token: String, id: &str) -> Result<TokenValidateResponse, Refusal> {
    let request = TokenValidateRequest { token, ext_reference: ext_id(id)? };
    let outcome = netflix.0.edge.post::<TokenValidateResponse>(TOKEN, &request, None).await;
    let (_, worth) = outcome.answer.map_err(|failure| match failure {
        EdgeFailure::Refused { ref code, .. } if !failure.is_passing() => {
            // Codes that are about the token; any other is about this server.
            let known = [ErrorCode::TokenInvalid, ErrorCode::TokenExpired, ErrorCode::TokenAlreadyUsed];
            let code = known.into_iter().find(|known| known.as_str() == code.as_str());
            Reject::new(code.unwrap_or(ErrorCode::TokenInvalid), "The edge does not accept this token.")
        }
        _ => Reject::new(ErrorCode::ServiceUnavailable, "The token cannot be checked at the moment."),
    })?;
    Ok(worth)
}

fn ext_id(text: &str) -> Result<ExtId, Reject> {
    ExtId::parse(text)
        .ok_or_else(|| Reject::new(ErrorCode::InternalError, "An identifier could not be made."))
}
