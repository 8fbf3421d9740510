//! `POST /ott/v1/token/validate`: the partner spends the sign-up token.

use crate::ambient::Clock;
use crate::config::Config;
use crate::fault::Failure;
use crate::instruments::{Channel, FunnelStep, Instruments};
use crate::routes::authentic::PartnerCall;
use crate::store::{SpendTokenResult, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::day::Day;
use onbill_domain::key::Keyring;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::token::{self, SignupClaims};
use onbill_domain::wire::ott::{TokenValidateRequest, TokenValidateResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 1. The token must be genuine, unexpired and for this partner: 400 `token-invalid`,
///    `token-expired`.
/// 2. Spends it: 400 `token-invalid` when this origin never recorded it (an edge that has the key
///    still cannot forge one), 409 `token-already-used` when another reference has spent it.
/// 3. 200; the same reference again gets the same response.
pub(in crate::routes) async fn spend_token(
    State(config): State<Arc<Config>>,
    State(keys): State<Arc<Keyring>>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(instruments): State<Arc<Instruments>>,
    call: PartnerCall,
) -> Result<Json<TokenValidateResponse>, Failure> {
    // 1.
    let request: TokenValidateRequest = parse(&call.body)?;
    let now = clock.now();
    let claims: SignupClaims = token::verify(&keys, call.partner.as_str(), now, &request.token)?;

    // 2.
    let spend = store.spend_token(call.nonce, now, call.partner, claims.jti, request.ext_reference).await?;
    let signup = match spend {
        SpendTokenResult::Spent(signup) => signup,
        SpendTokenResult::Unknown => {
            return Err(Reject::new(ErrorCode::TokenInvalid, "The token is not valid here.").into());
        }
        SpendTokenResult::UsedElsewhere => {
            return Err(Reject::new(
                ErrorCode::TokenAlreadyUsed,
                "The token was spent by another reference.",
            )
            .into());
        }
    };

    // 3.
    instruments.metrics.visits.note_step(Channel::Widget, FunnelStep::TokenSpent);
    let paid_until = store.find_paid_until(signup.pai, Day::of_timestamp(now)).await?;
    Ok(Json(TokenValidateResponse {
        pai: signup.pai,
        operator: config.operator.clone(),
        offer: signup.offer,
        status: "ACTIVE".to_owned(),
        account_type: signup.account_type,
        locale: signup.locale,
        return_url: signup.partner_return_url,
        paid_until,
    }))
}
