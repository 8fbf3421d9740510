//! `/operator/v1/coupons`: the operator has coupons made, looks at them, and has them sent again or taken back. The code
//! itself is in the text message and nowhere else.

use crate::app::App;
use crate::coupon::{self, not_found};
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
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

/// `POST …/coupons`: 201, or 200 when the same was asked for before. For the refusals see [`coupon::issue`].
pub(in crate::routes) async fn issue_coupon(
    State(app): State<Arc<App>>,
    call: OperatorCall,
) -> Result<(StatusCode, Json<CouponResponse>), Failure> {
    let request: CouponRequest = parse(&call.body)?;
    let (is_new, row) = coupon::issue(&app, Some(call.nonce), &request).await?;
    app.ring_outbox();
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Json(row.answer(app.now()))))
}

/// `GET …/coupons/{extCouponID}`: 200, or 404 `not-found`. It only reads: its nonce need not be spent.
pub(in crate::routes) async fn coupon(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    _: OperatorCall,
) -> Result<Json<CouponDetails>, Failure> {
    let row = app.store.coupon(name(path)?).await?.ok_or_else(not_found)?;
    Ok(Json(row.view(app.now())))
}

/// `POST …/coupons/{extCouponID}/resend`: 200, with another code on its way; the same `resendID` again sends nothing more. For
/// the refusals see [`coupon::renew`].
pub(in crate::routes) async fn resend_coupon(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<CouponResponse>, Failure> {
    let CouponResendRequest { resend_id } = call.asked()?;
    let row = coupon::renew(&app, Some(call.nonce), &name(path)?, resend_id).await?;
    app.ring_outbox();
    Ok(Json(row.answer(app.now())))
}

/// `POST …/coupons/{extCouponID}/void`: 200, now and to every repetition. For the refusals see [`coupon::void`].
pub(in crate::routes) async fn void_coupon(
    State(app): State<Arc<App>>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<CouponResponse>, Failure> {
    let CouponVoidRequest {} = call.asked()?;
    let row = coupon::void(&app, Some(call.nonce), &name(path)?).await?;
    Ok(Json(row.answer(app.now())))
}

/// A path that is no identifier names nothing.
fn name(path: Result<Path<String>, PathRejection>) -> Result<ExtId, Reject> {
    let Path(name) = path.map_err(|_| not_found())?;
    ExtId::parse(&name).ok_or_else(not_found)
}
