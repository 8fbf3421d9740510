//! `POST /operator/v1/sms/{id}/resend`: care sends an SMS again. Only those of coupons can be: the text of
//! a partner's message is not kept, and a customer asks for another PIN themselves.

use crate::ambient::Clock;
use crate::care::{Act, DeskGate};
use crate::coupon::{Coupons, coupon_not_found};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use crate::store::{AuditStamp, Queue};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use onbill_domain::ids::ExtId;
use onbill_domain::wire::care::SmsResendRequest;
use onbill_domain::wire::coupon::CouponResponse;
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 once another code is queued; the same `ref` again sends nothing more. 403 `forbidden` for a role
/// that may not. For the refusals see
/// [`Coupons::resend`].
pub(in crate::routes) async fn resend_sms(
    State(gate): State<Arc<DeskGate>>,
    State(coupons): State<Arc<Coupons>>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<CouponResponse>, Failure> {
    let SmsResendRequest { actor, role, reference } = parse(&call.body)?;
    let Path(text) = path.map_err(|_| coupon_not_found())?;
    let id = ExtId::parse(&text).ok_or_else(coupon_not_found)?;
    let stamp = AuditStamp { key: call.key, actor, role, reference: Some(reference) };
    let stamp = gate.admit(Some(&call.nonce), stamp, Act::ResendSms).await?;
    let row = coupons.resend(Some(call.nonce), stamp, &id).await?;
    wake_up.wake(Queue::All);
    Ok(Json(row.answer(clock.now())))
}
