//! The CSP API of the simulated operator: accounts, charges and refunds.

use super::{BASE, POSTPAID, PREPAID, acme};
use crate::testing::{NOW, ask, get, keys, signed};
use http::{Request, StatusCode};
use onbill_domain::key::KeyUse;
use serde_json::{Value, json};

pub(super) fn charge(id: &str, msisdn: &str, value: i64) -> Value {
    json!({"transactionID": id, "msisdn": msisdn, "amount": {"value": value, "currency": "USD"},
           "description": "Netflix Standard", "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"},
           "partner": "netflix", "extTransactionID": format!("n-{id}"), "subscriberID": "2021-03-14",
           "offer": "netflix-standard", "plan": "standard", "chargeCode": "OTT-1", "kind": "subscription",
           "tax": {"amount": {"value": 1, "currency": "USD"}, "rate": "8.25", "included": true}})
}

#[tokio::test]
async fn account_status_is_reported_for_every_kind_of_account() {
    let acme = acme();
    for (msisdn, status, says) in [
        (POSTPAID, 200, json!({"status": "ACTIVE", "type": "postpaid"})),
        (
            PREPAID,
            200,
            json!({"status": "ACTIVE", "type": "prepaid", "balance": {"value": 5000, "currency": "USD"}}),
        ),
        ("+12025550105", 200, json!({"status": "SUSPENDED", "type": "postpaid"})),
        ("+12025550106", 200, json!({"status": "CEASED", "type": "postpaid"})),
        ("+12025550199", 404, json!({"code": "account-not-found"})),
    ] {
        let answer = acme.call("POST", "/csp/account/validate", Some(json!({"msisdn": msisdn}))).await;
        assert_eq!(answer.status, status, "{msisdn}");
        let body = answer.json();
        for (member, value) in says.as_object().expect("is an object") {
            assert_eq!(body[member], *value, "{msisdn}");
        }
        assert!(!body["subscriberID"].to_string().contains("2025550"), "a name, not a number");
    }
}

#[tokio::test]
async fn account_answer_is_set_for_one_number() {
    let acme = acme();
    let set = async |body: Value| {
        let request = Request::post(format!("{BASE}/account-answers")).body(body.to_string().into());
        ask(&acme.router, request.expect("is a request")).await.status
    };
    let validate = async |body: Value| acme.call("POST", "/csp/account/validate", Some(body)).await;
    assert_eq!(set(json!({"msisdn": POSTPAID, "reason": "minor"})).await, StatusCode::OK);
    let question = json!({"msisdn": POSTPAID, "partner": "netflix", "purpose": "charge",
        "amount": {"value": 1599, "currency": "USD"}});
    let answer = validate(question.clone()).await.json();
    assert_eq!((&answer["eligible"], &answer["reason"]), (&json!(false), &json!("minor")));
    assert_eq!(acme.charge("t-1", POSTPAID, 1599).await.json()["status"], "DECLINED");
    assert!(validate(json!({"msisdn": PREPAID})).await.json().get("eligible").is_none());
    assert_eq!(set(json!({"msisdn": POSTPAID, "suspension": "fraud"})).await, StatusCode::OK);
    let answer = validate(question.clone()).await.json();
    assert_eq!((&answer["status"], &answer["suspension"]), (&json!("SUSPENDED"), &json!("fraud")));
    assert_eq!(set(json!({"msisdn": POSTPAID})).await, StatusCode::OK);
    assert_eq!(validate(question.clone()).await.json()["status"], "ACTIVE");
    assert_eq!(set(json!({"msisdn": POSTPAID, "reason": "too-tall"})).await, StatusCode::BAD_REQUEST);
    assert_eq!(set(json!({"msisdn": "+12025550199"})).await, StatusCode::NOT_FOUND);
    // A purchase is asked about as a whole.
    for member in ["partner", "purpose", "amount"] {
        let mut part = question.clone();
        part.as_object_mut().expect("is an object").remove(member);
        assert_eq!(validate(part).await.code(), "invalid-request", "{member}");
    }
}

#[tokio::test]
async fn csp_api_is_closed_to_all_but_origin() {
    let acme = acme();
    let url = format!("{BASE}/csp/account/validate");
    let body = json!({"msisdn": POSTPAID});
    let nonce = "0123456789abcdef";
    let with = |key_use, at| signed("POST", &url, Some(&body), key_use, at, nonce);
    let mut unsigned = with(KeyUse::OriginToOperator, NOW);
    unsigned.headers_mut().remove("signature");
    let mut elsewhere = signed(
        "POST",
        "http://other.example/csp/account/validate",
        Some(&body),
        KeyUse::OriginToOperator,
        NOW,
        nonce,
    );
    elsewhere.headers_mut().insert("host", "other.example".parse().expect("is a value"));
    let mut changed = with(KeyUse::OriginToOperator, NOW);
    *changed.body_mut() = json!({"msisdn": PREPAID}).to_string().into();
    for (what, request) in [
        ("unsigned", unsigned),
        ("stale", with(KeyUse::OriginToOperator, NOW - 301)),
        ("from the future", with(KeyUse::OriginToOperator, NOW + 301)),
        ("with another use's key and tag", with(KeyUse::EdgeToOrigin, NOW)),
        ("signed for another door", elsewhere),
        ("changed on the way", changed),
    ] {
        let answer = ask(&acme.router, request).await;
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (StatusCode::UNAUTHORIZED, "authorization-failure"),
            "{what}"
        );
    }
    assert_eq!(ask(&acme.router, with(KeyUse::OriginToOperator, NOW)).await.status, StatusCode::OK);
    assert_eq!(
        ask(&acme.router, with(KeyUse::OriginToOperator, NOW)).await.status,
        StatusCode::UNAUTHORIZED,
        "a replay"
    );
    assert_eq!(
        ask(&acme.router, with(KeyUse::OriginToOperator, NOW - 1)).await.status,
        StatusCode::UNAUTHORIZED,
        "the nonce is spent, whatever the time beside it"
    );
}

#[tokio::test]
async fn bad_call_is_refused_with_what_is_wrong() {
    let acme = acme();
    let large = json!({"msisdn": POSTPAID, "x": "x".repeat(17_000)});
    assert_eq!(
        acme.call("POST", "/csp/account/validate", Some(large)).await.status,
        StatusCode::PAYLOAD_TOO_LARGE
    );
    let mut wrong = charge("t", POSTPAID, 0);
    assert_eq!(acme.call("POST", "/csp/transaction", Some(wrong.clone())).await.code(), "invalid-request");
    wrong["amount"]["value"] = json!("1599");
    assert_eq!(acme.call("POST", "/csp/transaction", Some(wrong)).await.code(), "invalid-request");
    assert_eq!(acme.charge("", POSTPAID, 1).await.code(), "invalid-request");
    let mut other_type = Request::post(format!("{BASE}/csp/notification"))
        .header("content-type", "text/plain")
        .body(bytes::Bytes::from_static(b"{}"))
        .expect("is a request");
    let keys = keys();
    let key = keys.keys_for_use(KeyUse::OriginToOperator).last().expect("is there");
    onbill_domain::signature::sign_request(&mut other_type, key, acme.operator.now(), "0123456789abcdef")
        .expect("signs");
    assert_eq!(ask(&acme.router, other_type).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let mut correlated = get("/csp/transaction/x");
    correlated.headers_mut().insert("x-correlator", "a b".parse().expect("is a value"));
    assert_eq!(ask(&acme.router, correlated).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn charge_is_billed_once_however_often_posted() {
    let acme = acme();
    let first = acme.charge("t-1", POSTPAID, 1599).await;
    let approved = json!({"status": "APPROVED", "billedOn": "2026-12-01"});
    assert_eq!((first.status, first.json()), (StatusCode::CREATED, approved.clone()));
    for _ in 0..3 {
        let again = acme.charge("t-1", POSTPAID, 1599).await;
        assert_eq!((again.status, again.json()), (StatusCode::OK, approved.clone()));
    }
    let other = acme.charge("t-1", POSTPAID, 1600).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (422, "idempotency-violation"));
    let bill = acme.bill(POSTPAID).await;
    assert_eq!(bill["total"], json!({"value": 1599, "currency": "USD"}));
    assert_eq!(
        bill["lines"],
        json!([{"transactionID": "t-1", "description": "Netflix Standard", "at": "2026-11-18T11:06:40Z",
                "amount": {"value": 1599, "currency": "USD"},
                "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}, "partner": "netflix",
                "chargeCode": "OTT-1",
                "tax": {"amount": {"value": 1, "currency": "USD"}, "rate": "8.25", "included": true}}])
    );
    assert_eq!(acme.call("GET", "/csp/transaction/t-1", None).await.json(), approved);
    assert_eq!(acme.call("GET", "/csp/transaction/t-2", None).await.code(), "transaction-not-found");
}

#[tokio::test]
async fn declines_carry_billings_own_code_and_stay_declined() {
    let acme = acme();
    for (n, (msisdn, code)) in [
        ("+12025550104", "insufficient-balance"),
        ("+12025550105", "account-on-hold"),
        ("+12025550106", "account-closed"),
        ("+12025550199", "account-closed"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = format!("t-{n}");
        for _ in 0..2 {
            let answer = acme.charge(&id, msisdn, 1599).await;
            assert_eq!(answer.json(), json!({"status": "DECLINED", "rawCode": code}));
        }
    }
    assert_eq!(acme.bill("+12025550104").await["lines"], json!([]));
}

/// The number has changed hands since onbill asked: the charge is declined.
#[tokio::test]
async fn charge_of_another_subscriber_is_declined() {
    let acme = acme();
    let asked = json!({"msisdn": POSTPAID});
    let present =
        acme.call("POST", "/csp/account/validate", Some(asked)).await.json()["subscriberID"].clone();
    let post = async |id: &str, subscriber: &Value| {
        let mut body = charge(id, POSTPAID, 1599);
        body["subscriberID"] = subscriber.clone();
        acme.call("POST", "/csp/transaction", Some(body)).await.json()
    };
    let declined = json!({"status": "DECLINED", "rawCode": "account-closed-taken-over"});
    assert_eq!(post("t-1", &json!("line-1-since-2001-01-01")).await, declined);
    assert_eq!(acme.bill(POSTPAID).await["lines"], json!([]));
    assert_eq!(post("t-1", &present).await, declined, "the first response stays");
    assert_eq!(post("t-2", &present).await["status"], "APPROVED");
}

#[tokio::test]
async fn prepaid_balance_pays_and_is_paid_back() {
    let acme = acme();
    for id in ["a", "b", "c"] {
        assert_eq!(acme.charge(id, PREPAID, 1599).await.json(), json!({"status": "APPROVED"}));
    }
    assert_eq!(acme.charge("d", PREPAID, 1599).await.json()["rawCode"], "insufficient-balance");
    let refund = |id: &str, of: &str, value: i64| {
        json!({"refundID": id, "transactionID": of, "amount": {"value": value, "currency": "USD"},
        "partner": "netflix"})
    };
    let post = async |body: Value| acme.call("POST", "/csp/refund", Some(body)).await;
    assert_eq!(post(refund("r1", "a", 1000)).await.status, StatusCode::CREATED);
    assert_eq!(post(refund("r1", "a", 1000)).await.status, StatusCode::OK);
    assert_eq!(post(refund("r1", "a", 999)).await.code(), "idempotency-violation");
    let declined = |code: &str| json!({"status": "DECLINED", "rawCode": code});
    for status in [StatusCode::CREATED, StatusCode::OK] {
        let answer = post(refund("r2", "a", 600)).await;
        assert_eq!((answer.status, answer.json()), (status, declined("not-within-remainder")), "599 remain");
    }
    assert_eq!(post(refund("r3", "a", 599)).await.json(), json!({"status": "APPROVED"}));
    for (n, of) in ["d", "never"].into_iter().enumerate() {
        let answer = post(refund(&format!("r4-{n}"), of, 1)).await;
        assert_eq!((answer.status, answer.json()), (StatusCode::CREATED, declined("no-such-charge")), "{of}");
    }
    assert_eq!(post(refund("r5", "a", 0)).await.code(), "invalid-request");
    let asked = json!({"msisdn": PREPAID});
    let account = acme.call("POST", "/csp/account/validate", Some(asked)).await.json();
    assert_eq!(account["balance"]["value"], 5000 - 2 * 1599);
    assert_eq!(acme.bill(PREPAID).await["total"]["value"], 2 * 1599);
}
