//! `POST /ott/v1/coupon/redeem`: a customer has typed a coupon's code at the partner. The edge
//! detects a typing error by the check symbols; whether the code is a coupon's, only the origin of
//! the operator that it names knows.

use crate::call::Call;
use crate::config::{KnownOperator, Operator};
use crate::fault::{Fault, HandlerError};
use crate::ott::authenticate::authenticate_partner;
use crate::ott::forward::{forward, relay_expected};
use crate::platform::Platform;
use bytes::Bytes;
use http::Response;
use onbill_domain::coupon_code::CouponTag;
use onbill_domain::operator_entry::EntryFault;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::coupon::{CouponRedeemRequest, CouponRedeemResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

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
    let operator = find_by_tag(call.operators_of(partner).await?, tag)?;
    // 4.
    let response = forward(call, &operator, None).await?;
    let is_own = |body: &CouponRedeemResponse| body.operator == operator.id;
    relay_expected(&response, is_own, "a coupon as another operator's")
}

/// The operator whose coupons have this tag. If no sound entry has it, it may be that of a wrong one.
fn find_by_tag(operators: Vec<KnownOperator>, tag: CouponTag) -> Result<Arc<Operator>, HandlerError> {
    let (mut found, mut broken): (Option<Arc<Operator>>, _) = (None, None);
    for known in operators {
        match known {
            Ok(operator) if operator.coupons != Some(tag) => {}
            Ok(operator) => match &found {
                None => found = Some(operator),
                Some(first) => {
                    let what = format!("coupons is that of {} too", first.id);
                    return Err(Fault::Entry(EntryFault::of(&operator.id, what)).into());
                }
            },
            Err(fault) => broken = Some(fault),
        }
    }
    match (found, broken) {
        (Some(operator), _) => Ok(operator),
        (None, Some(fault)) => Err(Fault::Entry(fault).into()),
        (None, None) => Err(Reject::new(ErrorCode::TokenInvalid, "The code is not valid here.").into()),
    }
}
