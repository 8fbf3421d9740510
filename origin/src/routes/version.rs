//! `GET /version`: which build answers.

use crate::build_info::{COMMIT, VERSION};
use crate::store::SCHEMA_VERSION;
use axum::Json;
use serde_json::{Value, json};

/// 200 with the semantic version, the commit (null in a build that is no release), and the number of
/// the newest migration that this build has.
pub(super) async fn version() -> Json<Value> {
    Json(json!({ "version": VERSION, "commit": COMMIT, "schemaVersion": SCHEMA_VERSION }))
}
