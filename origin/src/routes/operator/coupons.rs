//! `/operator/v1/coupons`: the operator issues coupons, reads them, resends them and voids them.
//! The code itself is in the SMS and nowhere else.

use super::stamp_call;
use crate::ambient::Clock;
use crate::care::{Act, DeskGate};
use crate::coupon::{Coupons, coupon_not_found};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use crate::store::{Queue, Store};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use http::StatusCode;
use onbill_domain::ids::ExtId;
use onbill_domain::reject::Reject;
use onbill_domain::wire::coupon::{
    CouponDetails, CouponRequest, CouponResendRequest, CouponResponse, CouponVoidRequest,
};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// `POST …/coupons`: 201, or 200 when the same coupon was requested before. For the refusals see
/// [`Coupons::issue`].
pub(in crate::routes) async fn issue_coupon(
    State(coupons): State<Arc<Coupons>>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    call: OperatorCall,
) -> Result<(StatusCode, Json<CouponResponse>), Failure> {
    let request: CouponRequest = parse(&call.body)?;
    let (is_new, row) = coupons.issue(Some(call.nonce), &request).await?;
    wake_up.wake(Queue::All);
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(row.answer(clock.now()))))
}

/// `GET …/coupons/{extCouponID}`: 200, or 404 `not-found`. It only reads, so its nonce need not be
/// spent.
pub(in crate::routes) async fn read_coupon(
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    path: Result<Path<String>, PathRejection>,
    _: OperatorCall,
) -> Result<Json<CouponDetails>, Failure> {
    let row = store.find_coupon(parse_id(path)?).await?.ok_or_else(coupon_not_found)?;
    Ok(Json(row.view(clock.now())))
}

/// `POST …/coupons/{extCouponID}/resend`: 200 once another code is queued; the same `resendID`
/// again sends nothing more. 403 `forbidden` for a role that may not. For the other refusals see
/// [`Coupons::resend`].
pub(in crate::routes) async fn resend_coupon(
    State(gate): State<Arc<DeskGate>>,
    State(coupons): State<Arc<Coupons>>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<CouponResponse>, Failure> {
    let CouponResendRequest { resend_id, actor, role } = call.parse_or_default()?;
    let id = parse_id(path)?;
    let stamp = stamp_call(&call, actor, role, resend_id)?;
    let stamp = gate.admit(Some(&call.nonce), stamp, Act::ResendSms).await?;
    let row = coupons.resend(Some(call.nonce), stamp, &id).await?;
    wake_up.wake(Queue::All);
    Ok(Json(row.answer(clock.now())))
}

/// `POST …/coupons/{extCouponID}/void`: 200, also for every repetition. 403 `forbidden` for a role that may
/// not. For the other refusals see [`Coupons::void`].
pub(in crate::routes) async fn void_coupon(
    State(gate): State<Arc<DeskGate>>,
    State(coupons): State<Arc<Coupons>>,
    State(clock): State<Arc<dyn Clock>>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<CouponResponse>, Failure> {
    let CouponVoidRequest { actor, role, reference } = call.parse_or_default()?;
    let id = parse_id(path)?;
    let stamp = stamp_call(&call, actor, role, reference)?;
    let stamp = gate.admit(Some(&call.nonce), stamp, Act::VoidCoupon).await?;
    let row = coupons.void(Some(call.nonce), stamp, &id).await?;
    Ok(Json(row.answer(clock.now())))
}

/// A path that is not an identifier gets the response for a coupon that does not exist.
fn parse_id(path: Result<Path<String>, PathRejection>) -> Result<ExtId, Reject> {
    let Path(name) = path.map_err(|_| coupon_not_found())?;
    ExtId::parse(&name).ok_or_else(coupon_not_found)
}
