//! What an operator's own systems call at their origin.

use crate::keys::{self, KeyHolder};
use crate::{TestOperator, TestSystem};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::ids::ExtId;
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_domain::wire::audit::ActorRole;
use onbill_origin::store::AuditStamp;
use serde_json::{Value, json};

impl TestSystem {
    /// A signed call of Acme's systems: a GET when the body is null.
    pub async fn call_acme_origin(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        self.try_call_acme_origin(path, body).await.expect("somebody answers")
    }

    /// The call, which fails when no response arrives.
    pub async fn try_call_acme_origin(&self, path: &str, body: &Value) -> Option<(StatusCode, Value)> {
        let answer = self.network.send_call(self.sign_as_acme_systems(path, body)).await.ok()?;
        Some((answer.status(), serde_json::from_slice(answer.body()).unwrap_or_default()))
    }

    /// The call, signed and not sent yet.
    pub fn sign_as_acme_systems(&self, path: &str, body: &Value) -> Request<Bytes> {
        let request =
            Request::builder().uri(format!("http://{}/operator/v1{path}", self.acme.origin_address));
        let mut request = if body.is_null() {
            request.body(Bytes::new())
        } else {
            let request = request.method("POST").header("content-type", "application/json");
            request.body(Bytes::from(body.to_string()))
        }
        .expect("is a request");
        let ring = keys::keyring(&KeyHolder::Operator("acme"));
        let key = ring.signing_key(KeyUse::OperatorToOrigin, "operator:acme").expect("is there");
        sign_request(&mut request, key, self.now(), &self.next_nonce()).expect("signs");
        request
    }

    /// Acme's systems request an erasure. Returns its progress, or the code of the refusal.
    pub async fn request_erasure(&self, name: &str, number: &str) -> (StatusCode, Value) {
        let (status, answer) =
            self.call_acme_origin("/erasures", &json!({"erasureID": name, "msisdn": number})).await;
        let word = if status == StatusCode::OK { "outcome" } else { "code" };
        (status, answer[word].clone())
    }
}

/// Erases all listed subscribers, as the command line does.
pub async fn erase_listed_subscribers(
    operator: &TestOperator,
    list: &str,
) -> (onbill_origin::lifecycle::erasure_file::ErasureReport, Vec<String>) {
    let (app, mut complaints) = (operator.app(), Vec::new());
    let stamp = AuditStamp {
        key: "cli".to_owned(),
        actor: ExtId::parse("uid-0").expect("is an id"),
        role: ActorRole::Admin,
        reference: None,
    };
    let report = onbill_origin::lifecycle::erasure_file::erase_listed(
        &app.store,
        &app.vault,
        app.numbers,
        &stamp,
        list.as_bytes(),
        || app.now(),
        |problem| complaints.push(problem.text),
    );
    (report.await.expect("reads"), complaints)
}
