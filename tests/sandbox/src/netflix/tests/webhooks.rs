//! Webhooks of an operator's origin, and what they must never report.

use super::{BASE, NetflixUnderTest, WholeResponse, ask, get, json, json_post, partner, signed};
use crate::testing::NOW;
use http::StatusCode;
use onbill_domain::key::KeyUse;
use serde_json::Value;

fn state(charge: &str, status: &str) -> Value {
    json!({"transactionID": format!("t-{charge}"), "extTransactionID": charge, "status": status})
}

fn refund_state(charge: &str, refund: &str, status: &str) -> Value {
    json!({"refundID": format!("f-{refund}"), "extRefundID": refund, "extTransactionID": charge, "status": status,
           "amount": {"value": 1599, "currency": "USD"}, "remaining": {"value": 0, "currency": "USD"}})
}

impl NetflixUnderTest {
    pub(super) async fn tell(&self, path: &str, body: &Value) -> WholeResponse {
        self.calls.set(self.calls.get() + 1);
        let nonce = format!("nonce-of-webhook-{:04}", self.calls.get());
        let url = format!("{BASE}{path}");
        ask(&self.router, signed("POST", &url, Some(body), KeyUse::OriginToPartner, NOW, &nonce)).await
    }

    async fn tell_charge(&self, body: &Value) -> (u16, String) {
        let answer = self.tell("/transaction-state", body).await;
        (answer.status.as_u16(), answer.code())
    }

    pub(super) async fn contradictions(&self) -> usize {
        self.charges().await["contradictions"].as_array().map_or(0, Vec::len)
    }
}

/// A partner with a charge that is pending.
async fn pending() -> (NetflixUnderTest, String) {
    let partner = partner();
    partner.edge.lock().expect("is whole").says = Some("PENDING");
    let charge = partner.charged().await;
    (partner, charge)
}

#[tokio::test]
async fn webhook_outcome_is_recorded_and_may_repeat() {
    let (partner, charge) = pending().await;
    assert_eq!(partner.charges().await["charges"][0]["reported"]["status"], "PENDING");
    for _ in 0..2 {
        assert_eq!(partner.tell_charge(&state(&charge, "APPROVED")).await, (200, String::new()));
    }
    let reported = &partner.charges().await["charges"][0];
    assert_eq!((&reported["reported"]["status"], &reported["by"]), (&json!("APPROVED"), &json!("webhook")));
    // The replayed post gets its first response, which is older and no contradiction.
    partner.run("2026-12").await;
    assert_eq!(partner.charges().await["charges"][0]["reported"]["status"], "APPROVED");
    let refund = json!({"extTransactionID": charge, "extRefundID": "r-1", "reason": "x"});
    ask(&partner.router, json_post("/refunds", &refund)).await;
    assert_eq!(
        partner.tell("/refund-state", &refund_state(&charge, "r-1", "DECLINED")).await.status,
        StatusCode::OK
    );
    let reported = &partner.charges().await["charges"][0];
    assert_eq!(
        (&reported["refunds"][0]["reported"]["status"], &reported["remaining"]["value"]),
        (&json!("DECLINED"), &json!(1599))
    );
    assert_eq!(partner.contradictions().await, 0);
    assert!(!ask(&partner.router, get("/charges")).await.text.contains(r#"id="contradictions""#));
}

#[tokio::test]
async fn what_is_settled_is_settled_for_good() {
    let (partner, charge) = pending().await;
    let mut declined = state(&charge, "DECLINED");
    declined["declineReason"] = json!("account-closed");
    assert_eq!(partner.tell_charge(&declined).await.0, 200);
    let mut another_reason = declined.clone();
    another_reason["declineReason"] = json!("account-on-hold");
    let mut another_name = declined.clone();
    another_name["transactionID"] = json!("t-other");
    for (n, wrong) in [state(&charge, "APPROVED"), another_reason, another_name].iter().enumerate() {
        assert_eq!(partner.tell_charge(wrong).await, (409, "state-contradiction".to_owned()), "{wrong}");
        assert_eq!(partner.contradictions().await, n + 1);
    }
    assert_eq!(partner.charges().await["charges"][0]["reported"], declined, "the first word stays");
    let page = ask(&partner.router, get("/")).await.text;
    assert!(page.contains(r#"id="contradictions""#) && page.contains("acme, charge"), "{page}");
}

#[tokio::test]
async fn what_cannot_be_true_is_refused_and_shown() {
    let (partner, charge) = pending().await;
    let refund = json!({"extTransactionID": charge, "extRefundID": "r-1", "reason": "x"});
    ask(&partner.router, json_post("/refunds", &refund)).await;
    let mut reasoned = state(&charge, "APPROVED");
    reasoned["declineReason"] = json!("account-closed");
    for wrong in [state(&charge, "PENDING"), state(&charge, "DECLINED"), reasoned] {
        assert_eq!(partner.tell_charge(&wrong).await, (400, "invalid-request".to_owned()), "{wrong}");
    }
    assert_eq!(
        partner.tell_charge(&state("n-1", "APPROVED")).await,
        (404, "transaction-not-found".to_owned())
    );
    let mut too_much = refund_state(&charge, "r-1", "APPROVED");
    too_much["amount"]["value"] = json!(1600);
    let mut overdrawn = refund_state(&charge, "r-1", "APPROVED");
    overdrawn["remaining"]["value"] = json!(-1);
    for (wrong, code) in [
        (too_much, "invalid-request"),
        (overdrawn, "invalid-request"),
        (refund_state(&charge, "r-1", "PENDING"), "invalid-request"),
        (refund_state(&charge, "r-2", "APPROVED"), "transaction-not-found"),
        (refund_state("n-1", "r-1", "APPROVED"), "transaction-not-found"),
    ] {
        assert_eq!(partner.tell("/refund-state", &wrong).await.code(), code, "{wrong}");
    }
    assert_eq!(partner.contradictions().await, 9);
    assert_eq!(partner.tell_charge(&json!({"status": "APPROVED"})).await.0, 400, "not even a state");
    assert_eq!(partner.contradictions().await, 9);
}

#[tokio::test]
async fn only_the_origin_of_a_known_operator_tells() {
    let (partner, charge) = pending().await;
    let (url, body) = (format!("{BASE}/transaction-state"), state(&charge, "APPROVED"));
    let with = |key_use, at| signed("POST", &url, Some(&body), key_use, at, "0123456789abcdef");
    let mut unsigned = with(KeyUse::OriginToPartner, NOW);
    unsigned.headers_mut().remove("signature");
    let mut changed = with(KeyUse::OriginToPartner, NOW);
    *changed.body_mut() = state(&charge, "DECLINED").to_string().into();
    for (what, request) in [
        ("unsigned", unsigned),
        ("changed on the way", changed),
        ("stale", with(KeyUse::OriginToPartner, NOW - 301)),
        ("signed by the edge", with(KeyUse::EdgeToPartner, NOW)),
        ("signed as to billing", with(KeyUse::OriginToOperator, NOW)),
    ] {
        assert_eq!(ask(&partner.router, request).await.code(), "authorization-failure", "{what}");
    }
    assert_eq!(ask(&partner.router, with(KeyUse::OriginToPartner, NOW)).await.status, StatusCode::OK);
    let replayed = ask(&partner.router, with(KeyUse::OriginToPartner, NOW)).await;
    assert_eq!(replayed.code(), "authorization-failure", "a replay");
    assert_eq!(partner.contradictions().await, 0, "strangers say nothing");
}

#[tokio::test]
async fn webhooks_can_be_refused_or_their_receipts_lost() {
    let (partner, charge) = pending().await;
    let switch = async |faults: Value| ask(&partner.router, json_post("/faults", &faults)).await.status;
    let reported = async || partner.charges().await["charges"][0]["reported"]["status"].clone();
    assert_eq!(switch(json!({"transaction-state": "down"})).await, StatusCode::OK);
    assert_eq!(partner.tell_charge(&state(&charge, "APPROVED")).await.0, 503);
    assert_eq!(reported().await, "PENDING");
    assert_eq!(switch(json!({"transaction-state": "error-after"})).await, StatusCode::OK);
    assert_eq!(partner.tell_charge(&state(&charge, "APPROVED")).await.0, 500);
    assert_eq!(reported().await, "APPROVED", "it was taken in");
    assert_eq!(switch(json!({})).await, StatusCode::OK);
    assert_eq!(partner.tell_charge(&state(&charge, "APPROVED")).await.0, 200);
}
