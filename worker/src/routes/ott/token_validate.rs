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
use onbill_domain::token::{self, SignupClaims};
use onbill_domain::wire::ott::{TokenValidateRequest, TokenValidateResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. It has the expected members → else 400 `invalid-request`.
/// 3. The token is genuine, for this partner → else 400 `token-invalid`; in time → else 400
///    `token-expired`.
/// 4. We serve the operator that it names, and it sells the partner → else 400 `token-invalid`.
/// 5. The operator's origin spends it → 200, or its refusal; no valid response → 503.
pub(crate) async fn post_token_validate<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let request: TokenValidateRequest = parse(call.request.body())?;
    // 3.
    let (keys, now) = (call.config.keys(), call.platform.now());
    let claims = token::verify::<SignupClaims>(keys, partner.id.as_str(), now, &request.token)?;
    // 4.
    let operator = call
        .config
        .find_operator(claims.op.as_str())
        .filter(|operator| operator.sells(&partner.id))
        .ok_or_else(|| Reject::new(ErrorCode::TokenInvalid, "The token is not valid here."))?;
    // 5.
    relay::<TokenValidateResponse>(&forward(call, operator, None).await?)
}
