//! Billing that records what it is sent, word for word.

use axum::Router;
use axum::extract::State;
use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use onbill_test_harness::TestSystem;
use serde_json::Value;
use std::sync::{Arc, Mutex};

pub(super) const APPROVED: &str = r#"{"status":"APPROVED"}"#;

/// Billing in the place of Acme's. It has never seen a charge that is looked up.
#[derive(Clone, Default)]
pub(super) struct RecordingBilling(Arc<Mutex<Record>>);

#[derive(Default)]
struct Record {
    answer: &'static str,
    /// Path and body of each post.
    posted: Vec<(String, Bytes)>,
}

impl RecordingBilling {
    /// Answers every post with this body, or with 503 if it is empty.
    pub(super) fn attach(system: &TestSystem, answer: &'static str) -> Self {
        let billing = Self::default();
        billing.answer(answer);
        let router = Router::new().fallback(take_call).with_state(billing.clone());
        system.network.attach_service(system.acme.dashboard_address, router);
        billing
    }

    pub(super) fn answer(&self, answer: &'static str) {
        self.0.lock().expect("is sound").answer = answer;
    }

    /// The bodies that came to this path, in order.
    pub(super) fn posted_bytes(&self, path: &str) -> Vec<Bytes> {
        let record = self.0.lock().expect("is sound");
        record.posted.iter().filter(|(posted, _)| posted == path).map(|(_, body)| body.clone()).collect()
    }

    pub(super) fn posted(&self, path: &str) -> Vec<Value> {
        let bodies = self.posted_bytes(path);
        bodies.iter().map(|body| serde_json::from_slice(body).expect("is JSON")).collect()
    }
}

async fn take_call(
    State(billing): State<RecordingBilling>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> (StatusCode, String) {
    if method == Method::GET {
        let unknown = r#"{"code":"transaction-not-found","message":"It was never received."}"#;
        return (StatusCode::NOT_FOUND, unknown.to_owned());
    }
    let mut record = billing.0.lock().expect("is sound");
    record.posted.push((uri.path().to_owned(), body));
    match record.answer {
        "" => (StatusCode::SERVICE_UNAVAILABLE, String::new()),
        answer => (StatusCode::CREATED, answer.to_owned()),
    }
}
