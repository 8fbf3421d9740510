//! `GET /healthz`: is this deployment ready? No operator is called: that one of them is down is not
//! the edge's state.

use crate::config::Config;
use crate::operators::STALE_SECONDS_MAX;
use crate::response::{JSON, new_response};
use bytes::Bytes;
use http::{Response, StatusCode};
use onbill_domain::timestamp::Timestamp;
use serde_json::json;

/// 1. The configuration is sound → 200 `{"status":"ok"}`.
/// 2. Entries of operators are wrong, as they were read within the last hour → 200
///    `{"status":"degraded","brokenOperators":n}`: the others are served. The log says which and why.
/// 3. The configuration is not sound → 503 `{"status":"misconfigured"}`; the log says why, on every
///    other call.
pub(crate) fn get_healthz(config: Option<&Config>, now: Timestamp) -> Response<Bytes> {
    let oldest = now.plus_seconds(STALE_SECONDS_MAX.saturating_neg());
    let broken = config.map(|config| config.operators().broken_count(oldest));
    let (status, body) = match broken {
        // 1.
        Some(0) => (StatusCode::OK, json!({"status": "ok"})),
        // 2.
        Some(broken) => (StatusCode::OK, json!({"status": "degraded", "brokenOperators": broken})),
        // 3.
        None => (StatusCode::SERVICE_UNAVAILABLE, json!({"status": "misconfigured"})),
    };
    new_response(status, JSON, Bytes::from(body.to_string()))
}
