//! `GET /healthz` and `GET /livez`: whether calls should come here, and whether the program runs.

use crate::fault::Failure;
use crate::readiness::Readiness;
use crate::store::{Queue, Store};
use axum::Json;
use axum::extract::State;
use onbill_domain::reject::Reject;
use serde_json::{Value, json};
use std::sync::Arc;

/// 200 while the database can be read and, by the last check, written; 503 otherwise. For a load
/// balancer or a monitor: another origin, if there is one, may do better.
pub(super) async fn healthz(
    State(readiness): State<Arc<Readiness>>,
    State(store): State<Arc<Store>>,
) -> Result<Json<Value>, Failure> {
    if !readiness.is_writable() {
        return Err(Reject::service_unavailable().into());
    }
    store.next_due(Queue::All).await?;
    Ok(Json(json!({ "status": "ok" })))
}

/// 200 while the program answers at all. For a supervisor that restarts what does not: a restart
/// makes no room on a full disk.
pub(super) async fn livez() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}
