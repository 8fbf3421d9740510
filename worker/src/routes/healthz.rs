//! `GET /healthz`: is this deployment ready? No operator is called: that one of them is down is not
//! the edge's state.

use crate::response::{JSON, new_response};
use bytes::Bytes;
use http::{Response, StatusCode};

/// 1. The configuration is sound → 200 `{"status":"ok"}`.
/// 2. It is not → 503 `{"status":"misconfigured"}`; the log says why, on every other call.
pub(crate) fn get_healthz(configured: bool) -> Response<Bytes> {
    if configured {
        // 1.
        new_response(StatusCode::OK, JSON, Bytes::from_static(br#"{"status":"ok"}"#))
    } else {
        // 2.
        new_response(
            StatusCode::SERVICE_UNAVAILABLE,
            JSON,
            Bytes::from_static(br#"{"status":"misconfigured"}"#),
        )
    }
}
