//! What billing gets of a charge besides the money: whose it is, and under what it is booked.

mod codes;
mod old_billing;
mod stub;

use crate::coupons::{issue_and_read_code, redeem_code};
use http::{Method, StatusCode};
use onbill_domain::charge_code::ChargeCode;
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::charge_body;
use serde_json::{Value, json};
use stub::{APPROVED, RecordingBilling};

const GOOD: &str = "+12025550101";

async fn post(system: &TestSystem, body: &Value) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", body.clone()).await.1
}

fn with_tax(body: Value, value: i64) -> Value {
    let mut body = body;
    body["tax"] = json!({"value": value, "currency": "USD", "rate": "8.25", "included": true});
    body
}

#[tokio::test]
async fn billing_gets_what_it_books() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = RecordingBilling::attach(&system, APPROVED);
    let answer = post(&system, &with_tax(charge_body(&pai, "c-1", 1599), 120)).await;
    assert_eq!(answer["status"], "APPROVED", "{answer}");
    assert_eq!(
        billing.posted("/csp/transaction"),
        [json!({
            "transactionID": answer["transactionID"], "msisdn": GOOD,
            "amount": {"value": 1599, "currency": "USD"}, "description": "Netflix Standard",
            "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}, "partner": "netflix",
            "extTransactionID": "c-1", "subscriberID": "2021-03-14", "offer": "netflix-standard",
            "plan": "standard", "chargeCode": "OTT-NFLX-STD", "kind": "subscription",
            "tax": {"amount": {"value": 120, "currency": "USD"}, "rate": "8.25", "included": true},
        })]
    );

    // What is not stated is absent.
    post(&system, &charge_body(&pai, "c-2", 1599)).await;
    let plain = billing.posted("/csp/transaction").remove(1);
    assert_eq!((plain.get("tax"), &plain["chargeCode"]), (None, &json!("OTT-NFLX-STD")));
}

#[tokio::test]
async fn parts_of_a_refund_give_all_tax_back() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = RecordingBilling::attach(&system, APPROVED);
    post(&system, &with_tax(charge_body(&pai, "c-1", 1599), 121)).await;
    for (id, value) in [("r-1", Some(500)), ("r-2", Some(333)), ("r-3", None)] {
        let mut refund = json!({"extRefundID": id, "reason": "Ended early"});
        if let Some(value) = value {
            refund["amount"] = json!({"value": value, "currency": "USD"});
        }
        let (status, answer) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
        assert_eq!((status, &answer["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{answer}");
    }
    let posted = billing.posted("/csp/refund");
    let parts: Vec<_> = posted
        .iter()
        .map(|refund| {
            assert_eq!(
                (&refund["partner"], &refund["chargeCode"]),
                (&json!("netflix"), &json!("OTT-NFLX-STD"))
            );
            assert_eq!((&refund["tax"]["rate"], &refund["tax"]["included"]), (&json!("8.25"), &json!(true)));
            (refund["amount"]["value"].as_i64(), refund["tax"]["amount"]["value"].as_i64())
        })
        .collect();
    // In proportion to what was given back so far, rounded down: 37.83, 63.03 and 121 in all.
    assert_eq!(parts, [(Some(500), Some(37)), (Some(333), Some(26)), (Some(766), Some(58))]);

    post(&system, &charge_body(&pai, "c-2", 1599)).await;
    let refund = json!({"extRefundID": "r-4", "reason": "Ended early"});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-2/refund", refund).await;
    assert_eq!(billing.posted("/csp/refund")[3].get("tax"), None, "of a charge without any stated");
}

#[tokio::test]
async fn repeated_post_is_the_first_byte_for_byte() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = RecordingBilling::attach(&system, "");
    assert_eq!(post(&system, &with_tax(charge_body(&pai, "c-1", 1599), 120)).await["status"], "PENDING");
    // The operator books by another code from now on.
    system.reconfigure_acme(|config| config.offers[0].charge_code = ChargeCode::parse("OTT-NEW"));
    billing.answer(APPROVED);
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let posted = billing.posted_bytes("/csp/transaction");
    assert_eq!(posted.len(), 2);
    assert_eq!(posted[0], posted[1]);
    post(&system, &charge_body(&pai, "c-2", 1599)).await;
    assert_eq!(billing.posted("/csp/transaction")[2]["chargeCode"], "OTT-NEW");

    // A refund has the code of its charge.
    let refund = json!({"extRefundID": "r-1", "reason": "Ended early"});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(billing.posted("/csp/refund")[0]["chargeCode"], "OTT-NFLX-STD");
}

/// What a subscriber has agreed to decides, whatever is sold beside it or not any more.
#[tokio::test]
async fn other_offers_book_no_charge_otherwise() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = RecordingBilling::attach(&system, APPROVED);
    let posted = async |system: &TestSystem, id: &str| {
        let answer = post(system, &charge_body(&pai, id, 1599)).await;
        assert_eq!(answer["status"], "APPROVED", "{answer}");
        let posted = billing.posted("/csp/transaction").pop().expect("was posted");
        assert_eq!((&posted["offer"], &posted["plan"]), (&json!("netflix-standard"), &json!("standard")));
        posted.get("chargeCode").cloned()
    };
    system.reconfigure_acme(|config| {
        let mut promotion = config.offers[0].clone();
        promotion.id = serde_json::from_value(json!("netflix-promotion")).expect("is an offer's name");
        promotion.price.amount_minor = 999;
        promotion.charge_code = ChargeCode::parse("OTT-PROMO");
        config.offers.push(promotion);
    });
    assert_eq!(posted(&system, "c-1").await, Some(json!("OTT-NFLX-STD")), "another offer has the same plan");
    // The offer is not on sale any more: no other one's code is taken for it.
    system.reconfigure_acme(|config| {
        config.offers.remove(0);
        config.coupons = None;
    });
    assert_eq!(posted(&system, "c-2").await, None);
    system.reconfigure_acme(|config| config.partners[0].charge_code = ChargeCode::parse("OTT-NFLX"));
    assert_eq!(posted(&system, "c-3").await, Some(json!("OTT-NFLX")));
    // What was booked stays as it was.
    let refund = json!({"extRefundID": "r-1", "reason": "Ended early"});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(billing.posted("/csp/refund")[0]["chargeCode"], "OTT-NFLX-STD");
}

#[tokio::test]
async fn coupon_is_booked_as_one_under_its_offer() {
    let (system, _) = TestSystem::with_subscriber(GOOD).await;
    let code = issue_and_read_code(&system, "k-1", "+12025550102").await;
    let billing = RecordingBilling::attach(&system, APPROVED);
    let (status, answer) = redeem_code(&system, &code, "r-1").await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let posted = billing.posted("/csp/transaction").remove(0);
    assert_eq!((&posted["kind"], &posted["partner"]), (&json!("coupon"), &json!("netflix")));
    assert_eq!((&posted["offer"], &posted["plan"]), (&json!("netflix-standard"), &json!("standard")));
    assert_eq!(posted["chargeCode"], "OTT-NFLX-STD");
    assert_eq!(posted["subscriberID"], "2019-11-02", "the buyer's");
    let name = posted["extTransactionID"].as_str().expect("is text");
    assert!(name.starts_with("onbill-coupon-"), "{name}");
}

#[tokio::test]
async fn charge_with_wrong_tax_is_refused_and_not_billed() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let billing = RecordingBilling::attach(&system, APPROVED);
    for tax in [
        json!({"value": 1600, "currency": "USD"}),
        json!({"value": -1, "currency": "USD"}),
        json!({"value": 120, "currency": "EUR"}),
        json!({"value": 120}),
        json!({"value": 120, "currency": "USD", "rate": "eight"}),
        json!({"value": 120, "currency": "USD", "included": false}),
    ] {
        let mut body = charge_body(&pai, "c-1", 1599);
        body["tax"] = tax.clone();
        let (status, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", body).await;
        assert_eq!((status.as_u16(), &answer["code"]), (400, &json!("invalid-request")), "{tax}");
    }
    assert!(billing.posted("/csp/transaction").is_empty());
    assert_eq!(post(&system, &charge_body(&pai, "c-1", 1599)).await["status"], "APPROVED", "the id is free");
}
