//! A coupon's code: which operator's origin it goes to, and what is told without asking any.

use super::kit::{ACME, NOVA, World, operators, pai, partners, response};
use crate::platform::Unreachable;
use onbill_domain::coupon_code::{CouponCode, CouponTag};
use serde_json::{Value, json};

const PATH: &str = "/ott/v1/coupon/redeem";

fn world() -> World {
    let mut operators = operators();
    operators[0]["coupons"] = json!("AC");
    operators[1]["coupons"] = json!("NV");
    World::with(&operators, &partners())
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
async fn a_code_goes_to_the_operator_that_it_names_and_to_no_other() {
    let world = world();
    for (origin, operator, tag) in [(ACME, "acme", "AC"), (NOVA, "nova", "NV")] {
        let to = format!("POST {origin}{PATH}");
        world.answers(&to, 200, &redeemed(operator));
        let body = asked(&code(tag).to_lowercase());
        let answer = world.netflix("POST", PATH, &body).await;
        assert_eq!((answer.status(), answer.json()), (200, redeemed(operator)));
        let sent = world.platform.take_sent();
        assert_eq!(sent.len(), 1);
        assert_eq!(*sent[0].body(), body.to_string(), "byte for byte");
    }
    assert!(world.platform.kv_entries().is_empty());
}

#[tokio::test]
async fn a_gift_to_somebody_unknown_has_no_pai() {
    let world = world();
    let mut gift = redeemed("acme");
    gift.as_object_mut().expect("is an object").remove("pai");
    world.answers(&format!("POST {ACME}{PATH}"), 200, &gift);
    let answer = world.netflix("POST", PATH, &asked(&code("AC"))).await;
    assert_eq!((answer.status(), answer.json()), (200, gift));
}

#[tokio::test]
async fn a_slip_and_a_code_of_nobodys_are_told_without_asking() {
    let world = world();
    let right = code("AC");
    let swapped = right.replacen("AC", "CA", 1);
    for slip in ["", "AC", &right[1..], &swapped, &right.replacen('A', "B", 1)] {
        let answer = world.netflix("POST", PATH, &asked(slip)).await;
        assert_eq!(answer.refusal(), (400, "invalid-request".to_owned()), "{slip}");
        assert!(!answer.json()["message"].to_string().contains(&right[2..]), "no code is repeated");
    }
    for body in
        [json!({"code": right}), json!({"extReference": "r-1"}), json!({"code": 1, "extReference": "r"})]
    {
        assert_eq!(world.netflix("POST", PATH, &body).await.refusal(), (400, "invalid-request".to_owned()));
    }
    let answer = world.netflix("POST", PATH, &asked(&code("ZZ"))).await;
    assert_eq!(answer.refusal(), (400, "token-invalid".to_owned()));
    assert!(world.platform.take_sent().is_empty());
    let answer = world.netflix("GET", PATH, &Value::Null).await;
    assert_eq!(answer.status(), 405);

    // An operator that does not sell this partner is as good as absent.
    let mut operators = operators();
    operators[0]["coupons"] = json!("AC");
    operators[0]["partners"] = json!(["tunes"]);
    let world = World::with(&operators, &partners());
    let answer = world.netflix("POST", PATH, &asked(&right)).await;
    assert_eq!(answer.refusal(), (400, "token-invalid".to_owned()));
    assert!(world.platform.take_sent().is_empty());
}

#[tokio::test]
async fn a_refusal_is_passed_on_and_anything_odd_is_to_be_asked_again() {
    let world = world();
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
        world.refuses(&to, status, refusal);
        let answer = world.netflix("POST", PATH, &asked(&code("AC"))).await;
        assert_eq!(answer.refusal(), (status, refusal.to_owned()));
    }
    world.platform.take_sent();
    let of_another = redeemed("nova").to_string();
    for answer in [Err(Unreachable::TimedOut), Ok(response(200, "{}")), Ok(response(200, &of_another))] {
        world.answers_raw(&to, answer);
        let answer = world.netflix("POST", PATH, &asked(&code("AC"))).await;
        assert_eq!(answer.refusal(), (503, "service-unavailable".to_owned()));
        assert_eq!(world.sent_to(), [to.as_str()]);
    }
}
