//! `GET /healthz`: is this deployment ready? It asks no operator: that one of them is down is not the edge's state.

use crate::answer::json_bytes;
use bytes::Bytes;
use http::{Response, StatusCode};

/// 1. The configuration is sound → 200 `{"status":"ok"}`.
/// 2. It is not → 503 `{"status":"misconfigured"}`; the log says why, on every other call.
pub(crate) fn get(configured: bool) -> Response<Bytes> {
    if configured {
        // 1.
        json_bytes(StatusCode::OK, Bytes::from_static(br#"{"status":"ok"}"#))
    } else {
        // 2.
        json_bytes(StatusCode::SERVICE_UNAVAILABLE, Bytes::from_static(br#"{"status":"misconfigured"}"#))
    }
}
