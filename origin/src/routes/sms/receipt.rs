//! `GET /sms/v1/receipt/{token}?status=N`: the delivery receipt of an SMS, from a Kannel gateway.
//!
//! Gateways do not sign. The caller knows the token, which only the gateway has received; the token
//! identifies the message, and the call contains nothing else.

use crate::config::{Config, SmsSettings};
use crate::delivery::ReceiptRecorder;
use crate::fault::Failure;
use crate::sms::{DeliveryReceipt, KannelReport, ReceiptSink as _};
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
/// 2. The status is not one of Kannel's: 400.
/// 3. The receipt could not be stored: 503, so that the gateway may report again.
/// 4. The receipt was stored, or it is not the final state of the message: 204.
pub(in crate::routes) async fn take_receipt(
    State(config): State<Arc<Config>>,
    State(receipts): State<Arc<ReceiptRecorder>>,
    Path(token): Path<String>,
    Query(Status { status }): Query<Status>,
) -> Result<StatusCode, Failure> {
    let not_found = || Reject::new(ErrorCode::NotFound, "There is no such path.");
    let SmsSettings::Kannel(settings) = &config.sms else { return Err(not_found().into()) };
    if !settings.is_receipt_token(&token) {
        return Err(not_found().into());
    }
    let report =
        KannelReport::parse(&status).ok_or_else(|| Reject::invalid_request("status is none of Kannel's."))?;
    if let KannelReport::Ended(state) = report {
        let receipt = DeliveryReceipt { message_id: token, state, code: None };
        receipts.store_receipt(receipt).await.map_err(|_| Reject::service_unavailable())?;
    }
    Ok(StatusCode::NO_CONTENT)
}
