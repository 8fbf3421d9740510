//! `/faults`: the injected faults. `{"down": true}` makes the whole API answer 503, so that
//! sign-ups and webhooks are refused; `signup-sessions`, `transaction-state`, `refund-state`,
//! `dispute-state` and `account-state` take any other fault, such as `error-after`, by which a webhook is processed and
//! its response lost. A POST replaces the whole set, so `{}` clears all faults.

use super::Netflix;
use crate::answer::Refusal;
use crate::faults::{Fault, interpose};
use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use onbill_domain::wire;
use onbill_domain::wire::partner::{
    ACCOUNT_STATE_PATH, DISPUTE_STATE_PATH, REFUND_STATE_PATH, TRANSACTION_STATE_PATH,
};
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

/// The set. All are off by default.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct PartnerFaults {
    down: bool,
    signup_sessions: Fault,
    transaction_state: Fault,
    refund_state: Fault,
    dispute_state: Fault,
    account_state: Fault,
}

impl PartnerFaults {
    fn of(self, path: &str) -> Fault {
        match path {
            _ if self.down => Fault::Down,
            TRANSACTION_STATE_PATH => self.transaction_state,
            REFUND_STATE_PATH => self.refund_state,
            DISPUTE_STATE_PATH => self.dispute_state,
            ACCOUNT_STATE_PATH => self.account_state,
            _ => self.signup_sessions,
        }
    }
}

/// Wraps the partner's API.
pub(super) async fn apply(State(netflix): State<Netflix>, request: Request, next: Next) -> Response {
    let fault = netflix.faults().of(request.uri().path());
    interpose(fault, request, next).await
}

pub(super) async fn get_faults(State(netflix): State<Netflix>) -> Json<PartnerFaults> {
    Json(netflix.faults())
}

pub(super) async fn post_faults(
    State(netflix): State<Netflix>,
    body: Bytes,
) -> Result<Json<PartnerFaults>, Refusal> {
    let faults = wire::parse(&body)?;
    *netflix.0.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    Ok(Json(faults))
}

impl Netflix {
    fn faults(&self) -> PartnerFaults {
        *self.0.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
