//! Reports of an operator's origin about a customer's account, and what they must never contain.

use super::{BASE, NetflixUnderTest, PAI, WholeResponse, ask, form, get, json, partner, signed};
use crate::testing::NOW;
use onbill_domain::key::KeyUse;
use serde_json::Value;

fn state(state: &str, sequence: u64) -> Value {
    json!({"pai": PAI, "state": state, "sequence": sequence})
}

fn closed(reason: &str, sequence: u64) -> Value {
    json!({"pai": PAI, "state": "CLOSED", "reason": reason, "sequence": sequence})
}

impl NetflixUnderTest {
    async fn tell_account(&self, body: &Value) -> (u16, String) {
        let answer: WholeResponse = self.tell("/account-state", body).await;
        (answer.status.as_u16(), answer.code())
    }

    async fn reported_state(&self) -> Value {
        self.accounts().await["accounts"][3]["pays"]["reported"].clone()
    }
}

/// A partner with a member on the bill.
async fn on_the_bill() -> NetflixUnderTest {
    let partner = partner();
    let page = partner.visit("t").await;
    ask(&partner.router, form(&format!("{page}/new"), "email=a%40example.com&password=x&terms=yes")).await;
    partner
}

#[tokio::test]
async fn latest_state_counts_and_older_is_dropped() {
    let partner = on_the_bill().await;
    assert_eq!(partner.reported_state().await, Value::Null);
    for (report, known) in [
        (state("SUSPENDED", 2), state("SUSPENDED", 2)),
        (state("SUSPENDED", 2), state("SUSPENDED", 2)),
        (state("ACTIVE", 5), state("ACTIVE", 5)),
        (state("SUSPENDED", 4), state("ACTIVE", 5)),
        (closed("account-closed", 6), closed("account-closed", 6)),
        (state("ACTIVE", 5), closed("account-closed", 6)),
    ] {
        assert_eq!(partner.tell_account(&report).await, (200, String::new()), "{report}");
        assert_eq!(partner.reported_state().await, known);
    }
    assert_eq!(partner.contradictions().await, 0);
    let page = ask(&partner.router, get("/accounts")).await.text;
    assert!(page.contains("Closed: the account has ended"), "{page}");
    assert!(!page.contains("On the phone bill"), "an ended account has no badge: {page}");
}

#[tokio::test]
async fn calls_to_copy_are_beside_the_ids() {
    let partner = on_the_bill().await;
    let page = ask(&partner.router, get("/accounts")).await.text;
    let charge = page.split(r#"data-copy=""#).nth(1).expect("has a button").split('"').next();
    let charge = charge.expect("ends").replace("&quot;", "\"");
    assert!(charge.starts_with("cargo xtask call POST /ott/v1/transaction -d '{"), "{charge}");
    let body = charge.split('\'').nth(1).expect("has a body");
    let body: Value = serde_json::from_str(body).expect("is JSON");
    assert_eq!(
        (&body["pai"], &body["amount"], &body["servicePeriod"]),
        (
            &json!(PAI),
            &json!({"value": 1599, "currency": "USD"}),
            &json!({"from": "2026-11-01", "to": "2026-11-30"})
        )
    );
    assert!(page.contains("cargo xtask call PUT /ott/v1/partnerSubscription/"), "{page}");
    let id = partner.run("2026-12").await["charges"][0]["extTransactionID"].clone();
    let call = format!("cargo xtask call GET /ott/v1/transaction/{}", id.as_str().expect("is text"));
    for page in ["/charges", "/billing-runs"] {
        let shown = if page == "/charges" { get(page) } else { form(page, "month=2026-12") };
        assert!(ask(&partner.router, shown).await.text.contains(&call), "{page}");
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_and_shown() {
    let partner = on_the_bill().await;
    assert_eq!(partner.tell_account(&closed("account-closed", 6)).await.0, 200);
    let mut of_no_account = state("ACTIVE", 1);
    of_no_account["pai"] = json!("08080808-0808-4808-8808-080808080808");
    let mut reasoned = state("ACTIVE", 7);
    reasoned["reason"] = json!("account-closed");
    let cases = [
        (state("ACTIVE", 7), 409, "state-contradiction"),
        (closed("pai-revoked-by-user", 7), 409, "state-contradiction"),
        (state("ACTIVE", 6), 409, "state-contradiction"),
        (state("CLOSED", 7), 400, "invalid-request"),
        (closed("account-on-hold", 7), 400, "invalid-request"),
        (reasoned, 400, "invalid-request"),
        (of_no_account, 404, "pai-not-found"),
    ];
    for (n, (report, status, code)) in cases.into_iter().enumerate() {
        assert_eq!(partner.tell_account(&report).await, (status, code.to_owned()), "{report}");
        assert_eq!(partner.contradictions().await, n + 1);
    }
    assert_eq!(partner.reported_state().await, closed("account-closed", 6), "the first word stays");
    assert_eq!(partner.tell_account(&json!({"state": "ACTIVE"})).await.0, 400);
}

#[tokio::test]
async fn only_an_origin_tells_of_an_account() {
    let partner = on_the_bill().await;
    let (url, body) = (format!("{BASE}/account-state"), state("SUSPENDED", 2));
    for key_use in [KeyUse::EdgeToPartner, KeyUse::OriginToOperator] {
        let request = signed("POST", &url, Some(&body), key_use, NOW, "0123456789abcdef");
        assert_eq!(ask(&partner.router, request).await.code(), "authorization-failure");
    }
    assert_eq!(partner.reported_state().await, Value::Null);
}
