//! `POST /ott/v1/token/validate`: the partner spends a sign-up token. The edge detects a forged or
//! expired one without the origin; whether it was spent before, only the origin knows.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::forward::{forward, relay};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::token::{self, SignupClaims, claimed_operator};
use onbill_domain::wire::ott::{TokenValidateRequest, TokenValidateResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. The token is of an operator that we serve and that sells the partner → else 400
///    `token-invalid`.
/// 4. It is genuine, for this partner → else 400 `token-invalid`; in time → else 400
///    `token-expired`.
/// 5. The operator's origin spends it → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_token_validate<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let request: TokenValidateRequest = parse(call.request.body())?;
    // 3.
    let operator = match claimed_operator::<SignupClaims>(&request.token) {
        Some(id) => call.find_seller(partner, &id).await?,
        None => None,
    };
    let operator =
        operator.ok_or_else(|| Reject::new(ErrorCode::TokenInvalid, "The token is not valid here."))?;
    // 4. That the token's own operator is that of its key is part of it.
    let now = call.platform.now();
    token::verify::<SignupClaims>(operator.keys(), partner.id.as_str(), now, &request.token)?;
    // 5.
    relay::<TokenValidateResponse>(&forward(call, &operator, None).await?)
}
