//! `POST /ott/v1/coupon/redeem`: a customer has typed a coupon's code at the partner. The edge
//! detects a typing error by the check symbols; whether the code is a coupon's, only the origin of
//! the operator that it names knows.

use crate::call::Call;
use crate::fault::HandlerError;
use crate::ott::authenticate::authenticate_partner;
use crate::ott::forward::{forward, relay_expected};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::parse;

/// 1. The call is a partner's → else 401, 413, 415, 429.
/// 2. It has the expected members, and its code the right check symbols → else 400
///    `invalid-request`.
/// 3. An operator that sells the partner has coupons of this tag → else 400 `token-invalid`, as for
///    every code that is not a coupon's.
/// 4. Its origin redeems it → 200, or its refusal; no valid response, or one for another operator's
///    coupon → 503, and the partner retries with the same `extReference`.
pub(crate) async fn post_coupon_redeem<P: Platform>(
    call: &Call<'_, P>,
) -> Result<Response<Bytes>, HandlerError> {
    // 1.
    let partner = authenticate_partner(call).await?;
    // 2.
    let request: CouponRedeemRequest = parse(call.request.body())?;
    let tag = request.parse_code()?.tag();
    // 3.
    let operator = call
        .config
        .operators_of(partner)
        .find(|operator| operator.coupons == Some(tag))
        .ok_or_else(|| Reject::new(ErrorCode::TokenInvalid, "The code is not valid here."))?;
    // 4.
    let response = forward(call, operator, None).await?;
    let is_own = |body: &CouponRedeemResponse| body.operator == operator.id;
    relay_expected(&response, is_own, "a coupon as another operator's")
}
