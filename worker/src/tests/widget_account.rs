//! The customer's own page, from the origin to the widget.

use super::test_edge::{ACME, NUMBER, TestEdge, pai};
use super::widget::{VALIDATE, in_frame, pin_step, question, split_words, validate};
use serde_json::{Value, json};

fn subscription() -> Value {
    json!({"subscription": "s", "partner": "netflix", "title": "Netflix Standard", "since": "2026-11-18T11:06:40Z",
           "state": "CLOSED", "status": "CANCELLED", "paidUntil": "2027-05-27", "endsByItself": true, "canUnlink": false,
           "ended": {"at": "2026-11-18T11:16:40Z", "reason": "pai-revoked-by-user"}})
}

/// A page with every member of a charge.
fn account_page() -> Value {
    json!({"subscriptions": [subscription()], "cursor": "1795000000.tx-1", "charges": [
        {"partner": "netflix", "at": "2026-11-18T11:06:40Z", "description": "Netflix Standard",
         "servicePeriod": {"from": "2026-11-01", "to": "2026-11-30"}, "amount": {"value": 1599, "currency": "USD"},
         "status": "DECLINED", "declineReason": "pai-revoked-by-user", "refunded": {"value": 600, "currency": "USD"},
         "billedOn": "2026-12-01", "refunding": {"value": 1, "currency": "USD"}}]})
}

#[tokio::test]
async fn account_page_is_passed_on_without_unknown_members() {
    let edge = TestEdge::new();
    let (mut page, mut link) = (account_page(), subscription());
    for chatty in [&mut page, &mut link] {
        chatty["pai"] = json!(pai());
    }
    page["charges"][0]["transactionID"] = json!("tx-1");
    page["subscriptions"][0]["msisdn"] = json!(NUMBER);
    edge.stub_response(&format!("POST {ACME}/edge/v1/account"), 200, &page);
    edge.stub_response(&format!("POST {ACME}/edge/v1/account/unlink"), 200, &json!({"subscription": link}));
    let response = edge.call_from_frame("/widget/v1/account", &question("/widget/v1/account")).await;
    assert_eq!((response.status(), response.json()), (200, in_frame(account_page())));
    let unlink = "/widget/v1/account/unlink";
    let response = edge.call_from_frame(unlink, &question(unlink)).await;
    assert_eq!((response.status(), response.json()), (200, json!({"subscription": subscription()})));
    let bodies: Vec<_> = edge.platform.take_sent().into_iter().map(http::Request::into_body).collect();
    assert_eq!(bodies, [r#"{"flow":"f","cursor":"1795000000.tx-1"}"#, r#"{"flow":"f","subscription":"s"}"#]);

    // A customer who came to buy what they have.
    let step = json!({"step": "already-on-bill", "flow": "f"});
    edge.stub_response(VALIDATE, 200, &step);
    let response = edge.call_from_frame("/widget/v1/account/validate", &validate()).await;
    let (shown, words) = split_words(&response.json());
    assert_eq!((response.status(), shown), (200, step));
    assert_eq!(words.as_object().map(serde_json::Map::len), Some(2), "{words}");
}

/// The frame does not carry them: it may never get so far.
#[tokio::test]
async fn account_page_comes_with_its_words() {
    let edge = TestEdge::new();
    let mut step = account_page();
    (step["step"], step["flow"]) = (json!("account"), json!("f"));
    edge.stub_response(VALIDATE, 200, &step);
    edge.stub_response(&format!("POST {ACME}/edge/v1/pin"), 200, &step);
    edge.stub_response(&format!("POST {ACME}/edge/v1/account"), 200, &account_page());
    let in_german = |mut body: Value| {
        body["locale"] = json!("de");
        body
    };
    let first_page = json!({"operator": "acme", "flow": "f", "locale": "de"});
    for (path, body, page) in [
        ("/widget/v1/account/validate", in_german(validate()), &step),
        ("/widget/v1/pin", in_german(question("/widget/v1/pin")), &step),
        ("/widget/v1/account", first_page, &account_page()),
    ] {
        let response = edge.call_from_frame(path, &body).await;
        let (shown, words) = split_words(&response.json());
        assert_eq!((response.status(), shown), (200, in_frame(page.clone())), "{path}");
        assert_eq!(words["account-title"], "Ihre Abos", "{path}");
        assert_eq!(words.as_object().map(serde_json::Map::len), Some(61), "{path}");
    }
    let sent = edge.platform.take_sent();
    assert!(sent[1..].iter().all(|request| !request.body().windows(6).any(|part| part == b"locale")));
}

#[tokio::test]
async fn account_page_is_requested_without_an_offer() {
    let edge = TestEdge::new();
    edge.stub_response(VALIDATE, 200, &pin_step());
    let mut asked = validate();
    (asked["offer"], asked["view"]) = (Value::Null, json!("account"));
    let response = edge.call_from_frame("/widget/v1/account/validate", &asked).await;
    assert_eq!((response.status(), response.json()), (200, pin_step()));
    let sent = edge.platform.take_sent().remove(0);
    let body: Value = serde_json::from_slice(sent.body()).expect("is JSON");
    assert_eq!(
        body,
        json!({"view": "account", "msisdn": NUMBER, "locale": "es", "returnURL": "https://my.acme.example/done",
               "page": "https://my.acme.example", "session": "a.b.c"})
    );
    for view in [json!("bill"), Value::Null] {
        asked["view"] = view;
        let response = edge.call_from_frame("/widget/v1/account/validate", &asked).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()));
    }
    assert!(edge.platform.take_sent().is_empty());
}
