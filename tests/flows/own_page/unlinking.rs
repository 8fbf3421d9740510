//! Unlinking: charges end, partner and edge are notified, and amounts in progress stay exact.

use super::{GOOD, open_page, read_page, status_and_code, unlink_subscription};
use crate::account_events::{
    approved_outcome, charge_outcome, declined_outcome, partner_state_of, report_applied_event, stored_states,
};
use http::{Method, StatusCode};
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{NetworkFault, TestSystem};
use serde_json::{Value, json};

const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REVOKED: &str = "pai-revoked-by-user";

/// Ends the one link of a number's subscriber.
async fn end_subscription(system: &TestSystem, number: &str) -> Value {
    let own = open_page(system, number).await;
    let (status, answer) =
        unlink_subscription(system, &own["flow"], &own["subscriptions"][0]["subscription"]).await;
    assert_eq!((status, &answer["subscription"]["state"]), (StatusCode::OK, &json!("CLOSED")), "{answer}");
    answer
}

#[tokio::test]
async fn charges_end_and_everybody_hears_of_it() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
    system.advance_seconds(3_600);
    let answer = end_subscription(&system, GOOD).await;
    let ended = json!({"at": system.now().to_string(), "reason": REVOKED});
    assert_eq!(answer["subscription"]["ended"], ended);
    system.acme.deliver_due().await;
    let closed = json!({"pai": pai, "state": "CLOSED", "reason": REVOKED, "sequence": 2});
    assert_eq!(partner_state_of(&system, "ann@example.com").await, closed);
    assert_eq!(stored_states(&system, &pai), (json!("CLOSED"), json!(2)));

    let run = system.run_billing("2026-12").await;
    assert_eq!(run["charges"][0]["declineReason"], REVOKED, "{run}");
    let own = open_page(&system, GOOD).await;
    assert_eq!(own["subscriptions"][0]["ended"], ended, "it is still to be read");
    let statuses: Vec<_> =
        own["charges"].as_array().expect("is a list").iter().map(|c| &c["status"]).collect();
    assert_eq!(statuses, ["DECLINED", "APPROVED"]);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1, "what was charged before stays");
    // And it can still be refunded.
    let refund = json!({"extRefundID": "r-1", "reason": "x"});
    let (status, _) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(open_page(&system, GOOD).await["charges"][1]["refunded"]["value"], 1599);
}

#[tokio::test]
async fn again_is_the_same() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let own = open_page(&system, GOOD).await;
    let name = &own["subscriptions"][0]["subscription"];
    let first = unlink_subscription(&system, &own["flow"], name).await;
    system.advance_seconds(60);
    assert_eq!(unlink_subscription(&system, &own["flow"], name).await, first);
    // The response may have been lost on its way.
    system.network.inject_fault_for("127.0.0.1:8788/edge/v1/account/unlink", NetworkFault::AnswerLost, 1);
    assert_eq!(
        status_and_code(&unlink_subscription(&system, &own["flow"], name).await),
        (503, "service-unavailable")
    );
    assert_eq!(unlink_subscription(&system, &own["flow"], name).await, first);
    system.acme.deliver_due().await;
    assert_eq!(stored_states(&system, &pai), (json!("CLOSED"), json!(2)), "it was closed once");
}

#[tokio::test]
async fn returning_customer_gets_another_pai() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    end_subscription(&system, GOOD).await;
    system.advance_seconds(60);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    let next = system.pai_of("bea@example.com").await;
    assert_ne!(next, pai);
    assert_eq!(charge_outcome(&system, &next, "c-1").await, approved_outcome());
    assert_eq!(charge_outcome(&system, &pai, "c-2").await, declined_outcome(REVOKED));
    let own = open_page(&system, GOOD).await;
    let states: Vec<_> =
        own["subscriptions"].as_array().expect("is a list").iter().map(|s| &s["state"]).collect();
    assert_eq!(states, ["ACTIVE", "CLOSED"]);
    assert_eq!(own["charges"].as_array().map(Vec::len), Some(2), "both are theirs");
    // The id of one link does not end the other.
    let (_, again) =
        unlink_subscription(&system, &own["flow"], &own["subscriptions"][1]["subscription"]).await;
    assert_eq!(again["subscription"]["since"], own["subscriptions"][1]["since"]);
    assert_eq!(charge_outcome(&system, &next, "c-3").await, approved_outcome());
}

#[tokio::test]
async fn unsubmitted_charge_never_reaches_billing_after_unlinking() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(charge_outcome(&system, &pai, "c-1").await.0, "PENDING");
    system.network.clear_faults();
    end_subscription(&system, GOOD).await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let (_, charge) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!((&charge["status"], &charge["declineReason"]), (&json!("DECLINED"), &json!(REVOKED)));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn billed_charge_is_on_bill_and_page() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    assert_eq!(charge_outcome(&system, &pai, "c-1").await.0, "PENDING");
    system.network.clear_faults();
    assert_eq!(open_page(&system, GOOD).await["charges"][0]["status"], "PENDING");
    end_subscription(&system, GOOD).await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    assert_eq!(open_page(&system, GOOD).await["charges"][0]["status"], "APPROVED");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn subscription_cancelled_at_partner_can_be_ended() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let accounts = system.partner_accounts().await;
    let id = accounts["accounts"].as_array().and_then(|accounts| {
        accounts
            .iter()
            .find_map(|account| account["pays"]["partnerSubscriptionID"].as_str().map(str::to_owned))
    });
    let path = format!("/ott/v1/partnerSubscription/{}", id.expect("pays on the bill"));
    let (status, _) = system.call_ott(Method::PUT, &path, json!({"status": "CANCELLED"})).await;
    assert_eq!(status, StatusCode::OK);
    let own = open_page(&system, GOOD).await;
    let link = &own["subscriptions"][0];
    assert_eq!(
        (&link["state"], &link["status"]),
        (&json!("ACTIVE"), &json!("CANCELLED")),
        "it could be charged"
    );
    end_subscription(&system, GOOD).await;
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, declined_outcome(REVOKED));
}

#[tokio::test]
async fn suspended_customer_may_end_it() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    report_applied_event(&system, "e-1", "suspended", GOOD).await;
    end_subscription(&system, GOOD).await;
    system.advance_seconds(60);
    report_applied_event(&system, "e-2", "resumed", GOOD).await;
    assert_eq!(
        charge_outcome(&system, &pai, "c-1").await,
        declined_outcome(REVOKED),
        "nothing opens it again"
    );
}

#[tokio::test]
async fn origin_outage_shows_nothing_and_ends_nothing() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let own = open_page(&system, GOOD).await;
    for path in ["/edge/v1/account", "/edge/v1/account/unlink"] {
        system.network.inject_fault(&format!("127.0.0.1:8788{path}"), NetworkFault::Lost);
    }
    let name = &own["subscriptions"][0]["subscription"];
    for answer in [
        read_page(&system, &own["flow"], &Value::Null).await,
        unlink_subscription(&system, &own["flow"], name).await,
    ] {
        assert_eq!(status_and_code(&answer), (503, "service-unavailable"));
    }
    system.network.clear_faults();
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
}
