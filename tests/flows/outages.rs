//! Parts that are down: the edge fails closed, says when to retry, and nothing is lost.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_edge::fake::KvFault;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";

async fn start_system() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

#[tokio::test]
async fn origin_outage_is_503_except_for_the_shell() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(system.acme.origin_address, NetworkFault::Lost);

    let shell = format!("http://{EDGE}/widget/v1/frame?operator=acme&offer=netflix-standard");
    let shell = system.network.send_call(Request::get(shell).body(Bytes::new()).expect("is a request")).await;
    assert_eq!(shell.expect("answers").status(), StatusCode::OK);

    let charge = charge_body(&pai, "o-1", 1599);
    let subscription =
        json!({"pai": pai, "extSubscriptionID": "s-9", "origin": "NEW_ACCOUNT", "plan": "standard"});
    let mut requests = vec![
        system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &charge),
        system.sign_as_partner(&Method::POST, "/ott/v1/partnerSubscription", &subscription),
        system.sign_as_partner(&Method::GET, "/ott/v1/transaction/o-1", &Value::Null),
    ];
    for (path, body) in [
        (
            "account/validate",
            json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "en"}),
        ),
        ("pin", json!({"operator": "acme", "flow": "x", "pin": "123456"})),
        ("signup", json!({"operator": "acme", "flow": "x"})),
        ("result", json!({"operator": "acme", "result": "x"})),
    ] {
        let request = Request::post(format!("http://{EDGE}/widget/v1/{path}"))
            .header("content-type", "application/json")
            .header("origin", format!("http://{EDGE}"));
        requests.push(request.body(Bytes::from(body.to_string())).expect("is a request"));
    }
    for request in requests {
        let path = request.uri().path().to_owned();
        let answer = system.network.send_call(request).await.expect("answers");
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(answer.headers().contains_key("retry-after"), "{path}");
    }

    // Nova, on the same edge, is not affected.
    system.sign_up(&system.nova, "+34612345601", AccountChoice::New("bea@example.com")).await;
    // When the origin is back, the same charge is the first one.
    system.network.clear_faults();
    assert_eq!(system.call_ott(Method::POST, "/ott/v1/transaction", charge).await.0, StatusCode::CREATED);
}

#[tokio::test]
async fn customer_can_retry_after_partner_outage() {
    let system = start_system().await;
    let flow = system.prove_number(&system.acme, GOOD).await;
    for mishap in [NetworkFault::Lost, NetworkFault::Garbled, NetworkFault::AnswerLost] {
        system.network.inject_fault(NETFLIX, mishap);
        let (status, answer) = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::SERVICE_UNAVAILABLE, &json!("partner-unavailable"))
        );
        system.network.clear_faults();
    }
    let page = system.open_signup(&system.acme, &flow).await;
    system.choose_account(&page, AccountChoice::New("ann@example.com")).await;
    assert_eq!(system.run_billing("2026-12").await["totals"]["approved"], 1);
}

#[tokio::test]
async fn operator_outage_does_not_distinguish_numbers() {
    let system = start_system().await;
    // Nova's origin asks its operator for the account status: every number gets the same response,
    // and the SMS waits.
    system.network.inject_fault("127.0.0.1:9790/csp", NetworkFault::Lost);
    let known = system.enter_number(&system.nova, "+34612345601").await;
    let unknown = system.enter_number(&system.nova, "+34699999999").await;
    assert_eq!((known.0, &known.1["step"]), (unknown.0, &unknown.1["step"]));
    system.nova.deliver_due().await;
    system.network.clear_faults();
    system.advance_seconds(5);
    assert_eq!(system.sms_received(&system.nova, "+34612345601").await.len(), 1);
    // For a number in the dashboard's assertion, the response is that the status is unavailable.
    system.network.inject_fault("127.0.0.1:9790/csp", NetworkFault::Lost);
    let (status, answer) = system.enter_session_number(&system.nova, "+34612345601").await;
    assert_eq!((status, &answer["code"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("service-unavailable")));
}

#[tokio::test]
async fn edges_store_may_forget_and_fail() {
    let system = start_system().await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    for (key, _) in system.edge.kv_entries() {
        system.edge.kv_set(&key, None);
    }
    assert_eq!(system.run_billing("2026-12").await["totals"]["approved"], 1, "the origins are asked");
    assert_eq!(system.edge.kv_entries().len(), 1, "and the store learns again");
    system.edge.kv_fail(Some(KvFault::Down));
    assert_eq!(system.run_billing("2027-01").await["totals"]["approved"], 1);
    system.edge.kv_fail(None);
    for (key, _) in system.edge.kv_entries() {
        system.edge.kv_set(&key, None);
    }
    // A silent origin might be the owner: no response is no proof of absence.
    system.network.inject_fault(system.acme.origin_address, NetworkFault::Lost);
    let run = system.run_billing("2027-02").await;
    assert_eq!(
        (&run["totals"]["failed"], &run["charges"][0]["httpStatus"]),
        (&json!(1), &json!(503)),
        "{run}"
    );
    system.network.clear_faults();
    assert_eq!(system.run_billing("2027-02").await["totals"]["approved"], 1);
}
