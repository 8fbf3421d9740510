//! `POST /operator/v1/links/{linkID}/close`: care ends a link to a partner.

use crate::ambient::Clock;
use crate::care::{Act, DeskGate, charged_elsewhere};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::routes::authentic::OperatorCall;
use crate::store::{AuditStamp, ClosePaiResult, Queue, Store};
use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::wire::care::{LinkCloseRequest, LinkCloseResponse};
use onbill_domain::wire::parse;
use std::sync::Arc;

/// 200 with the reason that the PAI is closed for, now and to every repetition: the first one stays.
/// 400 `invalid-request` for a reason that closes none; 403 `forbidden` for a role that may not; 404 `pai-not-found`;
/// 503 for one that is not cut over, which the other system has to end. The queue reports it to the partner and the
/// edge.
pub(in crate::routes) async fn close_link(
    State(gate): State<Arc<DeskGate>>,
    State(store): State<Arc<Store>>,
    State(clock): State<Arc<dyn Clock>>,
    State(wake_up): State<WakeUp>,
    path: Result<Path<String>, PathRejection>,
    call: OperatorCall,
) -> Result<Json<LinkCloseResponse>, Failure> {
    let LinkCloseRequest { reason, actor, role, reference } = parse(&call.body)?;
    let not_found = || Reject::new(ErrorCode::PaiNotFound, "There is no such link.");
    let Path(text) = path.map_err(|_| not_found())?;
    let pai = Pai::parse(&text).ok_or_else(not_found)?;
    let stamp = AuditStamp { key: call.key, actor, role, reference: Some(reference) };
    let stamp = gate.admit(Some(&call.nonce), stamp, Act::CloseLink).await?;
    let closed = store.close_link(Some(call.nonce), clock.now(), stamp, None, pai, reason).await?;
    let closed_reason = match closed {
        ClosePaiResult::Closed => reason,
        ClosePaiResult::AlreadyClosed(first) => first,
        ClosePaiResult::NotFound => return Err(not_found().into()),
        ClosePaiResult::NotCutOver => return Err(charged_elsewhere().into()),
        ClosePaiResult::NotAClosingReason => {
            return Err(Reject::invalid_request("reason must be one that closes links.").into());
        }
    };
    wake_up.wake(Queue::All);
    Ok(Json(LinkCloseResponse { link_id: pai, state: PaiState::Closed, closed_reason }))
}
