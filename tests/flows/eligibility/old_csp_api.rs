//! An operator's CSP API that was written when the contract began. It knows nothing of what came
//! since, answers with its own four members and ignores the rest: everything works with it.

use super::{NUMBER, post_charge, replace_csp_api};
use axum::body::to_bytes;
use axum::extract::{Path, Request, State};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::{Method, StatusCode};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::AccountChoice;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

const CEASED: &str = "+34612345606";
const SUSPENDED: &str = "+34612345605";
const POOR: &str = "+34612345604";

type Answer = (StatusCode, Json<Value>);

/// Its books: charges and refunds by their ids, and the SMS that it has sent.
#[derive(Default)]
struct Books {
    charges: BTreeMap<String, Value>,
    refunds: BTreeMap<String, Value>,
    texts: Vec<Value>,
}

#[derive(Clone, Default)]
struct OldCspApi(Arc<Mutex<Books>>);

impl OldCspApi {
    fn router(&self) -> Router {
        Router::new()
            .route("/account/validate", post(validate))
            .route("/transaction", post(charge))
            .route("/transaction/{id}", get(find_charge))
            .route("/refund", post(refund))
            .route("/notification", post(notify))
            .with_state(self.clone())
    }
}

/// The members of a request that the first contract has; all of them must be there.
async fn read<const N: usize>(request: Request, members: [&str; N]) -> [Value; N] {
    let body = to_bytes(request.into_body(), 16 * 1024).await.expect("is small");
    let body: Value = serde_json::from_slice(&body).expect("is JSON");
    members.map(|member| body.get(member).cloned().unwrap_or_else(|| panic!("{member} is missing")))
}

async fn validate(request: Request) -> Answer {
    let [msisdn] = read(request, ["msisdn"]).await;
    let money = |value: i64| json!({"value": value, "currency": "EUR"});
    let answer = match msisdn.as_str().expect("is text") {
        NUMBER => json!({"status": "ACTIVE", "type": "postpaid", "subscriberID": "4711"}),
        POOR => json!({"status": "ACTIVE", "type": "prepaid", "balance": money(90), "subscriberID": "4714"}),
        SUSPENDED => json!({"status": "SUSPENDED", "type": "postpaid", "subscriberID": "4715"}),
        CEASED => json!({"status": "CEASED", "type": "postpaid", "subscriberID": "4716"}),
        _ => {
            let body = json!({"code": "account-not-found", "message": "There is none."});
            return (StatusCode::NOT_FOUND, Json(body));
        }
    };
    (StatusCode::OK, Json(answer))
}

async fn charge(State(old): State<OldCspApi>, request: Request) -> Answer {
    let members = ["transactionID", "msisdn", "amount", "description", "servicePeriod"];
    let [id, _, amount, ..] = read(request, members).await;
    let mut books = old.0.lock().expect("is whole");
    let id = id.as_str().expect("is text").to_owned();
    let before = books.charges.insert(id, amount);
    let status = if before.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    (status, Json(json!({"status": "APPROVED"})))
}

async fn find_charge(State(old): State<OldCspApi>, Path(id): Path<String>) -> Answer {
    if old.0.lock().expect("is whole").charges.contains_key(&id) {
        (StatusCode::OK, Json(json!({"status": "APPROVED"})))
    } else {
        let body = json!({"code": "transaction-not-found", "message": "There is none."});
        (StatusCode::NOT_FOUND, Json(body))
    }
}

async fn refund(State(old): State<OldCspApi>, request: Request) -> StatusCode {
    let [id, transaction_id, amount] = read(request, ["refundID", "transactionID", "amount"]).await;
    let mut books = old.0.lock().expect("is whole");
    assert!(books.charges.contains_key(transaction_id.as_str().expect("is text")));
    books.refunds.insert(id.as_str().expect("is text").to_owned(), amount);
    StatusCode::CREATED
}

async fn notify(State(old): State<OldCspApi>, request: Request) -> StatusCode {
    let [_, text] = read(request, ["msisdn", "text"]).await;
    old.0.lock().expect("is whole").texts.push(text);
    StatusCode::ACCEPTED
}

#[tokio::test]
async fn csp_api_of_first_contract_works_unchanged() {
    let (system, old) = (TestSystem::start(), OldCspApi::default());
    replace_csp_api(&system, old.router());

    // The code goes out by its notification, and the customer signs up with it.
    let (_, step) = system.enter_number(&system.nova, NUMBER).await;
    system.nova.deliver_due().await;
    let text = old.0.lock().expect("is whole").texts.pop().expect("an SMS was sent");
    let digits = text.as_str().expect("is text").chars().filter(char::is_ascii_digit);
    let pin: String = digits.take(6).collect();
    let proof = json!({"operator": "nova", "flow": step["flow"], "pin": pin});
    let (_, step) = system.call_widget("/pin", proof).await;
    let page = system.open_signup(&system.nova, step["flow"].as_str().expect("is text")).await;
    system.choose_account(&page, AccountChoice::New("bea@example.com")).await;
    let pai = system.pai_of("bea@example.com").await;

    let (code, charged) = post_charge(&system, &pai, "c-1").await;
    assert_eq!((code, &charged["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{charged}");
    assert_eq!(post_charge(&system, &pai, "c-1").await.1["status"], "APPROVED");
    let (code, refunded) = system
        .call_ott(
            Method::POST,
            "/ott/v1/transaction/c-1/refund",
            json!({"extRefundID": "r-1", "amount": {"value": 100, "currency": "EUR"}, "reason": "Sorry"}),
        )
        .await;
    assert_eq!((code, &refunded["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{refunded}");
    let message = json!({"pai": pai, "message": "Hello"});
    assert_eq!(system.call_ott(Method::POST, "/ott/v1/notification", message).await.0, StatusCode::ACCEPTED);
    system.nova.deliver_due().await;
    let books = old.0.lock().expect("is whole");
    assert_eq!((books.charges.len(), books.refunds.len(), books.texts.len()), (1, 1, 1));
}

#[tokio::test]
async fn refusals_of_first_contract_are_as_they_were() {
    let (system, old) = (TestSystem::start(), OldCspApi::default());
    replace_csp_api(&system, old.router());
    for (number, code) in [
        (POOR, "insufficient-balance"),
        (SUSPENDED, "suspended-non-payment"),
        (CEASED, "account-not-found"),
        ("+34612345699", "account-not-found"),
    ] {
        let (_, answer) = system.enter_session_number(&system.nova, number).await;
        let members: Vec<&str> =
            answer.as_object().expect("is an object").keys().map(String::as_str).collect();
        assert_eq!(
            (answer["code"].as_str(), members),
            (Some(code), vec!["code", "message", "words"]),
            "{number}"
        );
    }
}
