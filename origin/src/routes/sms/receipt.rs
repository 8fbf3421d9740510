//! `GET /sms/v1/receipt/{token}?status=N`: the delivery receipt of an SMS, from a Kannel gateway.
//!
//! Gateways do not sign. The caller knows the token, which only the gateway has received; the token
//! identifies the message, and the call contains nothing else.

use crate::config::{Config, SmsSettings};
use crate::delivery::ReceiptRecorder;
use crate::fault::Failure;
use crate::sms::{DeliveryReceipt, KannelReport, ReceiptSink as _};
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use http::StatusCode;
use onbill_domain::reject::{ErrorCode, Reject};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
pub(in crate::routes) struct Status {
    status: String,
}

/// 1. No gateway reports here, or the token is not genuine: 404.
/// 2. There is no status, or none of Kannel's: 400.
/// 3. The receipt could not be stored: 503, so that the gateway may report again.
/// 4. The receipt was stored, or it is not the final state of the message: 204.
pub(in crate::routes) async fn take_receipt(
    State(config): State<Arc<Config>>,
    State(receipts): State<Arc<ReceiptRecorder>>,
    token: Result<Path<String>, PathRejection>,
    query: Result<Query<Status>, QueryRejection>,
) -> Result<StatusCode, Failure> {
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such path.");
    let SmsSettings::Kannel(settings) = &config.sms else { return Err(not_found().into()) };
    let Path(token) = token.map_err(|_| not_found())?;
    if !settings.is_receipt_token(&token) {
        return Err(not_found().into());
    }
    let no_status = || Reject::invalid_request("status is not one that Kannel sends.");
    let Query(Status { status }) = query.map_err(|_| no_status())?;
    let report = KannelReport::parse(&status).ok_or_else(no_status)?;
    if let KannelReport::Ended(state) = report {
        let receipt = DeliveryReceipt { message_id: token, state, code: None };
        receipts.store_receipt(receipt).await.map_err(|_| Reject::service_unavailable())?;
    }
    Ok(StatusCode::NO_CONTENT)
}
