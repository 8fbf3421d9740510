//! A coupon's code: the operator whose origin it goes to, and the refusals without any origin.

use super::test_edge::{ACME, NOVA, TestEdge, operators, pai, partners, upstream_response};
use crate::platform::Unreachable;
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use serde_json::{Value, json};

const PATH: &str = "/ott/v1/coupon/redeem";

fn edge() -> TestEdge {
    let mut operators = operators();
    operators[0]["coupons"] = json!("AC");
    operators[1]["coupons"] = json!("NV");
    TestEdge::with(&operators, &partners())
}

fn code(tag: &str) -> String {
    CouponCode::from_random(CouponTag::parse(tag).expect("are symbols"), [7; 10]).grouped()
}

fn asked(code: &str) -> Value {
    json!({"code": code, "extReference": "r-1"})
}

fn redeemed(operator: &str) -> Value {
    json!({"status": "REDEEMED", "plan": "6M", "months": 6, "amount": {"value": 8999, "currency": "USD"},
           "offer": "netflix-standard", "pai": pai(), "operator": operator,
           "servicePeriod": {"from": "2026-11-18", "to": "2027-05-17"},
           "extTransactionID": "onbill-coupon-1", "more": 1})
}

#[tokio::test]
async fn coupon_code_goes_only_to_its_operator() {
    let edge = edge();
    for (origin, operator, tag) in [(ACME, "acme", "AC"), (NOVA, "nova", "NV")] {
        let to = format!("POST {origin}{PATH}");
        edge.stub_response(&to, 200, &redeemed(operator));
        let body = asked(&code(tag).to_lowercase());
        let response = edge.call_as_netflix("POST", PATH, &body).await;
        assert_eq!((response.status(), response.json()), (200, redeemed(operator)));
        let sent = edge.platform.take_sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(*sent[0].body(), body.to_string(), "byte for byte");
    }
    assert!(edge.platform.kv_entries().is_empty());
}

#[tokio::test]
async fn gift_to_unknown_subscriber_has_no_pai() {
    let edge = edge();
    let mut gift = redeemed("acme");
    gift.as_object_mut().expect("is an object").remove("pai");
    edge.stub_response(&format!("POST {ACME}{PATH}"), 200, &gift);
    let response = edge.call_as_netflix("POST", PATH, &asked(&code("AC"))).await;
    assert_eq!((response.status(), response.json()), (200, gift));
}

#[tokio::test]
async fn invalid_coupon_code_is_refused_without_any_origin() {
    let edge = edge();
    let right = code("AC");
    let swapped = right.replacen("AC", "CA", 1);
    for slip in ["", "AC", &right[1..], &swapped, &right.replacen('A', "B", 1)] {
        let response = edge.call_as_netflix("POST", PATH, &asked(slip)).await;
        assert_eq!(response.refusal(), (400, "invalid-request".to_owned()), "{slip}");
        assert!(!response.json()["message"].to_string().contains(&right[2..]), "no code is repeated");
    }
    for body in
        [json!({"code": right}), json!({"extReference": "r-1"}), json!({"code": 1, "extReference": "r"})]
    {
        assert_eq!(
            edge.call_as_netflix("POST", PATH, &body).await.refusal(),
            (400, "invalid-request".to_owned())
        );
    }
    let response = edge.call_as_netflix("POST", PATH, &asked(&code("ZZ"))).await;
    assert_eq!(response.refusal(), (400, "token-invalid".to_owned()));
    assert!(edge.platform.take_sent().is_empty());
    let response = edge.call_as_netflix("GET", PATH, &Value::Null).await;
    assert_eq!(response.status(), 405);

    // An operator that does not sell this partner is as good as absent.
    let mut operators = operators();
    operators[0]["coupons"] = json!("AC");
    operators[0]["partners"] = json!(["tunes"]);
    let edge = TestEdge::with(&operators, &partners());
    let response = edge.call_as_netflix("POST", PATH, &asked(&right)).await;
    assert_eq!(response.refusal(), (400, "token-invalid".to_owned()));
    assert!(edge.platform.take_sent().is_empty());
}

#[tokio::test]
async fn redemption_refusal_is_passed_on() {
    let edge = edge();
    let to = format!("POST {ACME}{PATH}");
    for (status, refusal) in [
        (400, "token-invalid"),
        (400, "token-expired"),
        (409, "token-already-used"),
        (409, "request-in-progress"),
        (422, "idempotency-violation"),
        (404, "pai-not-found"),
        (400, "suspended-non-payment"),
        (400, "insufficient-balance"),
        (400, "account-not-eligible"),
        (429, "too-many-requests"),
    ] {
        edge.stub_refusal(&to, status, refusal);
        let response = edge.call_as_netflix("POST", PATH, &asked(&code("AC"))).await;
        assert_eq!(response.refusal(), (status, refusal.to_owned()));
    }
    edge.platform.take_sent();
    let of_another = redeemed("nova").to_string();
    for response in [
        Err(Unreachable::TimedOut),
        Ok(upstream_response(200, "{}")),
        Ok(upstream_response(200, &of_another)),
    ] {
        edge.stub_result(&to, response);
        let response = edge.call_as_netflix("POST", PATH, &asked(&code("AC"))).await;
        assert_eq!(response.refusal(), (503, "service-unavailable".to_owned()));
        assert_eq!(edge.sent_targets(), [to.as_str()]);
    }
}
