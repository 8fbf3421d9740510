//! Who does not see a customer's page, and cannot end what is on it.

use super::{
    CEASED, GOOD, OTHER, SUSPENDED, UNKNOWN, enter_listed, enter_number, enter_pin, open_page, read_page,
    status_and_code, unlink_subscription,
};
use crate::account_events::{
    approved_outcome, charge_outcome, event_body, report_applied_event, report_event,
};
use bytes::Bytes;
use http::{Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, TestSystem, keys};
use serde_json::{Value, json};

const HOUR: i64 = 3_600;

/// What a flow permits: reading, and ending this subscription.
async fn try_page_and_unlink(system: &TestSystem, flow: &Value, subscription: &Value) -> [(u16, String); 2] {
    let answers =
        [read_page(system, flow, &Value::Null).await, unlink_subscription(system, flow, subscription).await];
    answers.map(|answer| (status_and_code(&answer).0, status_and_code(&answer).1.to_owned()))
}

fn refused_twice(status: u16, code: &str) -> [(u16, String); 2] {
    [(status, code.to_owned()), (status, code.to_owned())]
}

#[tokio::test]
async fn every_number_gets_same_response_until_proven() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    system.advance_seconds(1);
    let mut shapes = Vec::new();
    for number in [GOOD, OTHER, SUSPENDED, CEASED, UNKNOWN, "(202) 555-0199"] {
        let (status, mut step) = enter_number(&system, &system.acme, number).await;
        let flow = step["flow"].clone();
        step["flow"] = json!(flow.as_str().map(str::len));
        // Without proof, it opens nothing, for any number.
        shapes.push((status, step, try_page_and_unlink(&system, &flow, &json!("x")).await));
    }
    assert_eq!((shapes[0].0, &shapes[0].1["step"]), (StatusCode::OK, &json!("pin")));
    assert_eq!(shapes[0].2, refused_twice(400, "token-expired"));
    assert!(shapes.iter().all(|shape| *shape == shapes[0]), "{shapes:?}");
    // What a country's code says is in the number itself.
    let foreign = enter_number(&system, &system.acme, "+34612345601").await;
    assert_eq!(status_and_code(&foreign), (StatusCode::BAD_REQUEST.as_u16(), "number-foreign"));
    let sent = system.sms_received(&system.acme, GOOD).await;
    let newest = sent.last().expect("a message came");
    assert!(newest.contains("to see and end what you pay with your phone number"), "{newest}");
}

#[tokio::test]
async fn pin_on_a_new_sim_opens_nothing() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let before = enter_pin(&system, &system.acme, GOOD).await.1;
    let (flow, name) = (&before["flow"], &before["subscriptions"][0]["subscription"]);
    report_applied_event(&system, "e-1", "sim-swapped", GOOD).await;
    assert_eq!(status_and_code(&enter_pin(&system, &system.acme, GOOD).await), (400, "account-not-eligible"));
    assert_eq!(
        try_page_and_unlink(&system, flow, name).await,
        refused_twice(400, "account-not-eligible"),
        "nor one from before"
    );
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
    // The dashboard's assertion still works, and a PIN works again after three days.
    assert_eq!(open_page(&system, GOOD).await["subscriptions"].as_array().map(Vec::len), Some(1));
    system.advance_seconds(72 * HOUR);
    assert_eq!(enter_pin(&system, &system.acme, GOOD).await.1["step"], "account");
}

#[tokio::test]
async fn reassigned_number_opens_no_page_of_previous_subscriber() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    charge_outcome(&system, &pai, "c-1").await;
    let (by_pin, by_session) =
        (enter_pin(&system, &system.acme, GOOD).await.1, open_page(&system, GOOD).await);
    // The operator's table has the change before an event reports it.
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-18")).await;
    for old in [&by_pin, &by_session] {
        let name = &old["subscriptions"][0]["subscription"];
        assert_eq!(
            try_page_and_unlink(&system, &old["flow"], name).await,
            refused_twice(400, "token-expired")
        );
        let unmarked = old["flow"].as_str().and_then(|flow| flow.split_once('.')).expect("is marked").0;
        for flow in [json!(unmarked), json!(format!("{unmarked}.x"))] {
            assert_eq!(
                try_page_and_unlink(&system, &flow, name).await,
                refused_twice(400, "token-expired"),
                "{flow}"
            );
        }
    }
    for (_, new) in
        [enter_pin(&system, &system.acme, GOOD).await, enter_listed(&system, &system.acme, GOOD).await]
    {
        assert_eq!(
            (&new["subscriptions"], &new["charges"]),
            (&json!([]), &json!([])),
            "the new subscriber's is empty"
        );
        let name = &by_session["subscriptions"][0]["subscription"];
        assert_eq!(
            status_and_code(&unlink_subscription(&system, &new["flow"], name).await),
            (400, "invalid-request")
        );
    }
    system.advance_seconds(60);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    let new = open_page(&system, GOOD).await;
    assert_eq!((new["subscriptions"].as_array().map(Vec::len), &new["charges"]), (Some(1), &json!([])));
}

#[tokio::test]
async fn former_subscriber_sees_nothing() {
    for what in ["ceased", "ported-out", "ownership-changed"] {
        let (system, _) = TestSystem::with_subscriber(GOOD).await;
        let own = open_page(&system, GOOD).await;
        system.advance_seconds(86_400);
        let own = if what == "ceased" { own } else { open_page(&system, GOOD).await };
        report_applied_event(&system, "e-1", what, GOOD).await;
        let name = &own["subscriptions"][0]["subscription"];
        for (status, _) in try_page_and_unlink(&system, &own["flow"], name).await {
            assert!([400, 404].contains(&status), "{what}: {status}");
        }
        if what == "ownership-changed" {
            assert_eq!(open_page(&system, GOOD).await["subscriptions"], json!([]), "{what}");
        } else {
            assert_eq!(
                status_and_code(&enter_listed(&system, &system.acme, GOOD).await),
                (404, "account-not-found")
            );
        }
    }
}

#[tokio::test]
async fn account_page_follows_subscriber_to_another_number() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    charge_outcome(&system, &pai, "c-1").await;
    let mut moves = event_body(&system, "e-1", "number-changed", GOOD);
    moves["newMSISDN"] = json!("+12025550107");
    assert_eq!(report_event(&system, &moves).await.1["outcome"], "APPLIED");
    assert_eq!(open_page(&system, "+12025550107").await["charges"].as_array().map(Vec::len), Some(1));
    assert_eq!(status_and_code(&enter_listed(&system, &system.acme, GOOD).await), (404, "account-not-found"));
}

#[tokio::test]
async fn flow_is_bound_to_its_number_and_operator() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let own = open_page(&system, GOOD).await;
    let name = &own["subscriptions"][0]["subscription"];
    let others = open_page(&system, OTHER).await;
    assert_eq!(others["subscriptions"], json!([]));
    // Neither the id that the owner's page has, nor the PAI itself.
    for stolen in [name.clone(), json!(pai), json!(""), json!(null)] {
        assert_eq!(
            status_and_code(&unlink_subscription(&system, &others["flow"], &stolen).await),
            (400, "invalid-request"),
            "{stolen}"
        );
    }
    let elsewhere = json!({"operator": "nova", "flow": own["flow"], "subscription": name});
    for path in ["/account", "/account/unlink"] {
        assert_eq!(
            status_and_code(&system.call_widget(path, elsewhere.clone()).await),
            (400, "token-expired"),
            "{path}"
        );
    }
    // An id of one flow does not work in another.
    let secret =
        |flow: &Value| flow.as_str().and_then(|flow| flow.split_once('.')).map(|(s, _)| s.to_owned());
    let mark = own["flow"].as_str().and_then(|flow| flow.split_once('.')).expect("is marked").1;
    let mixed = json!(format!("{}.{mark}", secret(&others["flow"]).expect("has one")));
    assert_eq!(try_page_and_unlink(&system, &mixed, name).await, refused_twice(400, "token-expired"));
    system.advance_seconds(1_800);
    assert_eq!(
        try_page_and_unlink(&system, &own["flow"], name).await,
        refused_twice(400, "token-expired"),
        "half an hour is over"
    );
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
}

/// A call as a thief of the edge's secrets can make it.
fn as_the_edge(system: &TestSystem, path: &str, body: &Value, nonce: &str) -> Request<Bytes> {
    let mut request = Request::post(format!("http://{}{path}", system.acme.origin_address))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("is a request");
    let ring = keys::keyring(&KeyHolder::Edge);
    let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("the edge has it");
    sign_request(&mut request, key, system.now(), nonce).expect("signs");
    request
}

#[tokio::test]
async fn compromised_edge_ends_nothing_without_a_flow() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let unlinks = "/edge/v1/account/unlink";
    for flow in [json!(""), json!("x"), json!("x.y"), json!(pai)] {
        let body = json!({"flow": flow, "subscription": pai});
        for (n, path) in ["/edge/v1/account", unlinks].into_iter().enumerate() {
            let request = as_the_edge(&system, path, &body, &format!("thief-nonce-{flow}-{n}-0000"));
            let (status, answer) = system.send_request(request).await;
            assert!(status.is_client_error(), "{path} {answer}");
        }
    }
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());

    // A genuine call is good for once: replayed after the customer has come back, it ends nothing.
    let own = open_page(&system, GOOD).await;
    let body = json!({"flow": own["flow"], "subscription": own["subscriptions"][0]["subscription"]});
    let genuine = as_the_edge(&system, unlinks, &body, "genuine-nonce-0001");
    assert_eq!(system.send_request(genuine.clone()).await.0, StatusCode::OK);
    assert_eq!(system.send_request(genuine).await.0, StatusCode::UNAUTHORIZED);
    system.advance_seconds(60);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    let next = system.pai_of("bea@example.com").await;
    let signed_anew = as_the_edge(&system, unlinks, &body, "genuine-nonce-0002");
    assert_eq!(system.send_request(signed_anew).await.0, StatusCode::OK, "it names what has ended");
    assert_eq!(charge_outcome(&system, &next, "c-2").await, approved_outcome());
}
