//! An operator's CSP API that was written for the contract as it was: it knows none of the new
//! members, answers as before, and goes on working.

use axum::Router;
use axum::extract::{Path, State};
use axum::routing::{get, post};
use bytes::Bytes;
use http::{Method, StatusCode};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{NOVA_ACCOUNTS, NetworkFault, TestSystem};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

const NUMBER: &str = "+34612345601";
const BILLING: &str = "127.0.0.1:9790/csp/transaction";

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Money {
    value: i64,
    currency: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Period {
    from: String,
    to: String,
}

/// The members of a charge, as they were. Unknown ones are ignored, as the contract says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Charge {
    #[serde(rename = "transactionID")]
    transaction_id: String,
    msisdn: String,
    amount: Money,
    description: String,
    service_period: Period,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Refund {
    #[serde(rename = "refundID")]
    id: String,
    #[serde(rename = "transactionID")]
    charge: String,
    amount: Money,
}

#[derive(Deserialize)]
struct AccountQuestion {
    msisdn: String,
}

#[derive(Default)]
struct OldBilling {
    charges: HashMap<String, Charge>,
    refunds: HashMap<String, Refund>,
    /// Calls that it could not read, or that used an id for something else.
    refused: Vec<String>,
    /// It declines from now on, with this code of its own.
    declines_with: Option<&'static str>,
}

type Shared = State<Arc<Mutex<OldBilling>>>;

impl OldBilling {
    fn read<T: DeserializeOwned>(&mut self, body: &Bytes) -> Option<T> {
        let read = serde_json::from_slice(body);
        if let Err(error) = &read {
            self.refused.push(error.to_string());
        }
        read.ok()
    }

    fn answer_charge(&self, status: StatusCode) -> (StatusCode, String) {
        match self.declines_with {
            Some(code) => (status, json!({"status": "DECLINED", "rawCode": code}).to_string()),
            None => (status, json!({"status": "APPROVED"}).to_string()),
        }
    }
}

async fn validate(State(billing): Shared, body: Bytes) -> (StatusCode, String) {
    let Some(question) = billing.lock().expect("is sound").read::<AccountQuestion>(&body) else {
        return (StatusCode::BAD_REQUEST, String::new());
    };
    if question.msisdn != NUMBER {
        let unknown = json!({"code": "account-not-found", "message": "There is no such account."});
        return (StatusCode::NOT_FOUND, unknown.to_string());
    }
    let account = json!({"status": "ACTIVE", "type": "postpaid", "subscriberID": "old-1"});
    (StatusCode::OK, account.to_string())
}

async fn charge(State(billing): Shared, body: Bytes) -> (StatusCode, String) {
    let mut billing = billing.lock().expect("is sound");
    let Some(charge) = billing.read::<Charge>(&body) else {
        return (StatusCode::BAD_REQUEST, String::new());
    };
    if let Some(known) = billing.charges.get(&charge.transaction_id) {
        if *known == charge {
            return billing.answer_charge(StatusCode::OK);
        }
        billing.refused.push("an id with other contents".to_owned());
        return (StatusCode::UNPROCESSABLE_ENTITY, String::new());
    }
    billing.charges.insert(charge.transaction_id.clone(), charge);
    billing.answer_charge(StatusCode::CREATED)
}

async fn charge_status(State(billing): Shared, Path(id): Path<String>) -> (StatusCode, String) {
    let billing = billing.lock().expect("is sound");
    if billing.charges.contains_key(&id) {
        return billing.answer_charge(StatusCode::OK);
    }
    let unknown = json!({"code": "transaction-not-found", "message": "It was never received."});
    (StatusCode::NOT_FOUND, unknown.to_string())
}

/// Its success has no body.
async fn refund(State(billing): Shared, body: Bytes) -> StatusCode {
    let mut billing = billing.lock().expect("is sound");
    let Some(refund) = billing.read::<Refund>(&body) else { return StatusCode::BAD_REQUEST };
    match billing.refunds.insert(refund.id.clone(), refund.clone()) {
        None => StatusCode::CREATED,
        Some(known) if known == refund => StatusCode::OK,
        Some(_) => {
            billing.refused.push("an id with other contents".to_owned());
            StatusCode::UNPROCESSABLE_ENTITY
        }
    }
}

/// SMS and pages are Nova's as ever.
fn attach_old_billing(system: &TestSystem) -> Arc<Mutex<OldBilling>> {
    let billing = Arc::new(Mutex::new(OldBilling::default()));
    let router = Router::new()
        .route("/csp/account/validate", post(validate))
        .route("/csp/transaction", post(charge))
        .route("/csp/transaction/{id}", get(charge_status))
        .route("/csp/refund", post(refund))
        .with_state(billing.clone())
        .fallback_service(system.nova.sandbox.router());
    system.network.attach_service(system.nova.dashboard_address, router);
    billing
}

fn taxed_charge(pai: &str, id: &str) -> Value {
    let mut body = charge_body(pai, id, 1399);
    body["amount"]["currency"] = json!("EUR");
    body["tax"] = json!({"value": 243, "currency": "EUR", "rate": "21", "included": true});
    body
}

#[tokio::test]
async fn billing_of_the_old_contract_keeps_working() {
    let system = TestSystem::start();
    system.nova.import_accounts(NOVA_ACCOUNTS).await;
    let billing = attach_old_billing(&system);
    system.sign_up(&system.nova, NUMBER, AccountChoice::New("ana@example.com")).await;
    let pai = system.pai_of("ana@example.com").await;
    let call = async |path: &str, body: Value| {
        let (status, answer) = system.call_ott(Method::POST, path, body).await;
        (status.as_u16(), answer)
    };
    let path = "/ott/v1/transaction";

    let (status, answer) = call(path, taxed_charge(&pai, "c-1")).await;
    assert_eq!((status, &answer["status"]), (201, &json!("APPROVED")), "{answer}");
    let (status, again) = call(path, taxed_charge(&pai, "c-1")).await;
    assert_eq!((status, again), (200, answer));

    // An answer that is lost is asked for, and what never arrived is posted again.
    for (id, fault) in [("c-2", NetworkFault::AnswerLost), ("c-3", NetworkFault::Lost)] {
        system.network.inject_fault(BILLING, fault);
        assert_eq!(call(path, taxed_charge(&pai, id)).await.1["status"], "PENDING", "{id}");
        system.network.clear_faults();
        system.advance_seconds(361);
        system.nova.deliver_due().await;
        let (_, now) = system.call_ott(Method::GET, &format!("{path}/{id}"), Value::Null).await;
        assert_eq!(now["status"], "APPROVED", "{id}");
    }

    let refund =
        json!({"extRefundID": "r-1", "amount": {"value": 400, "currency": "EUR"}, "reason": "Ended"});
    let (status, answer) = call(&format!("{path}/c-1/refund"), refund).await;
    assert_eq!((status, &answer["status"]), (201, &json!("APPROVED")), "{answer}");

    billing.lock().expect("is sound").declines_with = Some("51");
    let (_, declined) = call(path, taxed_charge(&pai, "c-4")).await;
    assert_eq!(declined["declineReason"], "risk-declined", "{declined}");
    assert_eq!(declined["rawResult"]["rawCode"], "51");

    let billing = billing.lock().expect("is sound");
    assert_eq!(billing.refused, [""; 0]);
    assert_eq!((billing.charges.len(), billing.refunds.len()), (4, 1));
}
