//! `/faults`: whether sign-up is out of order. `{"down": true}` makes `/signup-sessions` answer 503; `signup-sessions`
//! takes any other fault. A POST replaces the whole set, so `{}` heals everything.

use super::Netflix;
use crate::sandbox::answer::Refusal;
use crate::sandbox::faults::{Fault, interpose};
use axum::Json;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use onbill_domain::wire;
use serde::{Deserialize, Serialize};
use std::sync::PoisonError;

/// The set. All are off by default.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub(super) struct Faults {
    down: bool,
    signup_sessions: Fault,
}

/// Stands in front of the partner's API.
pub(super) async fn apply(State(netflix): State<Netflix>, request: Request, next: Next) -> Response {
    let faults = netflix.faults();
    interpose(if faults.down { Fault::Down } else { faults.signup_sessions }, request, next).await
}

/// The set as it is.
pub(super) async fn get_faults(State(netflix): State<Netflix>) -> Json<Faults> {
    Json(netflix.faults())
}

/// Replaces the set.
pub(super) async fn post_faults(
    State(netflix): State<Netflix>,
    body: Bytes,
) -> Result<Json<Faults>, Refusal> {
    let faults = wire::parse(&body)?;
    *netflix.0.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    Ok(Json(faults))
}

impl Netflix {
    fn faults(&self) -> Faults {
        *self.0.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
