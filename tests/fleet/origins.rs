//! The origins of all operators, as one server: it tells them apart by the host that it is called at.
//! Each accepts what is signed with its own operator's key, and has one subscriber and one charge.

use crate::fleet_system::{epoch_of, operator_id, roots};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, StatusCode};
use onbill_domain::ids::OperatorId;
use onbill_domain::key::KeyUse;
use onbill_domain::pai::Pai;
use onbill_domain::root_key::derive_operator_keys;
use onbill_domain::signature::{ReceivedSignature, RequestComponents, verify_request};
use onbill_origin::ambient::{Clock as _, SystemClock};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpListener;

/// What they were called for.
#[derive(Clone, Default)]
pub(crate) struct Origins(Arc<Calls>);

#[derive(Default)]
struct Calls {
    seen: Mutex<Vec<String>>,
    under_way: AtomicUsize,
    at_once_max: AtomicUsize,
}

impl Origins {
    pub(crate) async fn serve(&self) -> SocketAddr {
        let app = Router::new().fallback(answer_counted).with_state(self.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("there is a free port");
        let address = listener.local_addr().expect("is bound");
        tokio::spawn(async move { axum::serve(listener, app).await });
        address
    }

    /// The calls since the last time: operator, method and path.
    pub(crate) fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The most calls that were under way at one time since the last time.
    pub(crate) fn take_at_once_max(&self) -> usize {
        self.0.at_once_max.swap(0, Ordering::SeqCst)
    }
}

/// The subscriber of an operator.
pub(crate) fn pai_of(operator: usize) -> Pai {
    Pai::from_random(u128::try_from(operator).expect("is small").to_be_bytes())
}

/// The charge of an operator's subscriber.
pub(crate) fn charge_of(operator: usize) -> String {
    format!("charge-{operator}")
}

async fn answer_counted(State(origins): State<Origins>, request: Request) -> Response {
    let calls = &origins.0;
    let now = calls.under_way.fetch_add(1, Ordering::SeqCst) + 1;
    calls.at_once_max.fetch_max(now, Ordering::SeqCst);
    // The edge's other calls get a turn while this one is under way.
    tokio::task::yield_now().await;
    let response = answer(&origins, request).await;
    calls.under_way.fetch_sub(1, Ordering::SeqCst);
    response
}

async fn answer(origins: &Origins, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 * 1024).await.unwrap_or_default();
    let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let number = host.strip_prefix("origin-").and_then(|rest| rest.strip_suffix(".example")?.parse().ok());
    let Some(number) = number else { return refuse(StatusCode::NOT_FOUND, "not-found") };
    let operator = operator_id(number);
    let path = head.uri.path().to_owned();
    let seen = format!("{operator} {} {path}", head.method);
    origins.0.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
    if !is_signed(&head, host, &body, number, &operator) {
        return refuse(StatusCode::UNAUTHORIZED, "authorization-failure");
    }
    let asked: Value = serde_json::from_slice(&body).unwrap_or_default();
    respond(&head.method, &path, &asked, number, &operator)
}

fn is_signed(
    head: &http::request::Parts,
    host: &str,
    body: &Bytes,
    number: usize,
    operator: &OperatorId,
) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let target = RequestComponents {
        method: head.method.as_str(),
        authority: host,
        path: head.uri.path(),
        query: head.uri.query().unwrap_or_default(),
        body: (!body.is_empty()).then(|| (&body[..], content_type.unwrap_or_default())),
    };
    let keys = derive_operator_keys(&roots(), operator, &[epoch_of(number)]).expect("are known roots");
    let presented = ReceivedSignature::from_headers(&head.headers);
    let now = SystemClock.now();
    presented.is_some_and(|signed| verify_request(&target, signed, &keys, KeyUse::EdgeToOrigin, now).is_ok())
}

fn respond(method: &Method, path: &str, asked: &Value, number: usize, operator: &OperatorId) -> Response {
    let charge = charge_of(number);
    let has_subscriber = asked["pai"] == pai_of(number).to_string();
    let has_charge = asked["extTransactionID"] == charge;
    let status =
        json!({"transactionID": format!("t-{number}"), "extTransactionID": charge, "status": "APPROVED"});
    let refund = json!({"refundID": format!("f-{number}"), "extRefundID": "r-1", "extTransactionID": charge,
        "status": "PENDING", "amount": {"value": 1, "currency": "USD"}, "remaining": {"value": 2, "currency": "USD"}});
    match (method, path) {
        (&Method::POST, "/edge/v1/pai") if has_subscriber => {
            let mapping =
                json!({"operator": operator, "subscriber": "handle", "state": "ACTIVE", "version": 1});
            respond_with(StatusCode::OK, &mapping)
        }
        (&Method::POST, "/edge/v1/transaction") if has_charge => {
            respond_with(StatusCode::OK, &json!({"operator": operator}))
        }
        (&Method::POST, "/ott/v1/transaction") if has_subscriber => {
            respond_with(StatusCode::CREATED, &status)
        }
        (&Method::POST, "/edge/v1/pai" | "/ott/v1/transaction") => {
            refuse(StatusCode::NOT_FOUND, "pai-not-found")
        }
        (&Method::GET, path) if path == format!("/ott/v1/transaction/{charge}") => {
            respond_with(StatusCode::OK, &status)
        }
        (&Method::POST, path) if path == format!("/ott/v1/transaction/{charge}/refund") => {
            respond_with(StatusCode::CREATED, &refund)
        }
        _ => refuse(StatusCode::NOT_FOUND, "transaction-not-found"),
    }
}

fn refuse(status: StatusCode, code: &str) -> Response {
    respond_with(status, &json!({"code": code, "message": "As the origin says."}))
}

fn respond_with(status: StatusCode, body: &Value) -> Response {
    (status, [(CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}
