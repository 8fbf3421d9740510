//! `GET /healthz`: 200 when the database can be read, 503 otherwise.

use crate::fault::Failure;
use crate::store::{Queue, Store};
use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) async fn healthz(State(store): State<Arc<Store>>) -> Result<Json<Value>, Failure> {
    store.next_due(Queue::All).await?;
    Ok(Json(json!({ "status": "ok" })))
}
