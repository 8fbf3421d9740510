//! Disputes at the console: opened from a charge, decided by who may, asked about before, and without any
//! money.

use super::browser::{Browser, Page};
use super::desks::look_up;
use super::{Desk, GOOD};
use http::Method;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_test_harness::NETFLIX;
use onbill_test_harness::customer::charge_body;

async fn post_charge(desk: &Desk, pai: &str, id: &str) -> String {
    let (_, charge) =
        desk.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await;
    charge["transactionID"].as_str().expect("has one").to_owned()
}

async fn post(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    browser.post_from("/disputes", path, fields).await
}

async fn confirm(browser: &Browser, path: &str, fields: &[(&str, &str)]) -> Page {
    let fields: Vec<_> = fields.iter().copied().chain([("confirmed", "yes")]).collect();
    post(browser, path, &fields).await
}

#[tokio::test]
async fn dispute_is_opened_from_a_charge_and_decided_by_another_desk() {
    let (desk, pai) = Desk::with_subscriber().await;
    let charge = post_charge(&desk, &pai, "c-1").await;
    let (care, fraud) =
        (desk.sign_in("robin-17", &["g-care"]).await, desk.sign_in("fran-3", &["g-fraud"]).await);
    let customer = look_up(&care, GOOD).await;
    assert!(customer.has("action=\"/disputes/open\""), "{}", customer.body);
    let open =
        [("transaction", charge.as_str()), ("reason", "fraud"), ("reference", "D-1"), ("customer", GOOD)];
    let before = desk.list_entries().await.len();
    let asked = post(&care, "/disputes/open", &open).await;
    for text in ["Open this dispute?", "moves no money", "The partner is informed", "Back to the customer"] {
        assert!(asked.has(text), "{text}: {}", asked.body);
    }
    assert_eq!(desk.list_entries().await.len(), before, "nothing was done yet");
    let opened = confirm(&care, "/disputes/open", &open).await;
    assert!(opened.has("The dispute is open. No money was moved."), "{}", opened.body);
    assert_eq!(opened.hidden("msisdn"), GOOD, "it leads back to the customer");
    assert!(confirm(&care, "/disputes/open", &open).await.has("opened before"), "a double click");
    desk.system.acme.deliver_due().await;
    assert_eq!(desk.system.network.calls_to(NETFLIX, "/dispute-state").len(), 1, "it is about fraud");

    let customer = look_up(&care, GOOD).await;
    assert!(customer.has("action=\"/disputes/withdraw\"") && !customer.has("action=\"/disputes/open\""));
    assert!(!customer.has("action=\"/disputes/decide\""), "care decides none");
    let listed = fraud.get("/disputes").await;
    assert!(listed.has("D-1") && listed.has("action=\"/disputes/decide\""), "{}", listed.body);
    let decide = [("transaction", charge.as_str()), ("state", "accepted"), ("reference", "D-1")];
    let asked = post(&fraud, "/disputes/decide", &decide).await;
    assert!(asked.has("Accept this dispute?") && asked.has("What is decided stays."), "{}", asked.body);
    let done = confirm(&fraud, "/disputes/decide", &decide).await;
    assert!(done.has("the customer is right. No money was moved.") && done.has("refund the charge"));
    assert!(confirm(&fraud, "/disputes/decide", &decide).await.has("No money was moved"), "a double click");
    assert!(fraud.get("/disputes").await.has("There is no dispute in this state."));
    assert!(fraud.get("/disputes?state=accepted").await.has("D-1"));
    let page = look_up(&care, GOOD).await;
    assert!(page.has("Accepted: the customer is right") && !page.has("Refunded:"), "{}", page.body);

    let of_disputes: Vec<_> = desk
        .list_acts()
        .await
        .into_iter()
        .filter(|(_, act, _)| [AuditAct::DisputeOpened, AuditAct::DisputeDecided].contains(act))
        .collect();
    let entry = |who: &str, act, outcome| (who.to_owned(), act, outcome);
    assert_eq!(
        of_disputes,
        [
            entry("robin-17", AuditAct::DisputeOpened, AuditOutcome::Done),
            entry("robin-17", AuditAct::DisputeOpened, AuditOutcome::Unchanged),
            entry("fran-3", AuditAct::DisputeDecided, AuditOutcome::Done),
            entry("fran-3", AuditAct::DisputeDecided, AuditOutcome::Unchanged),
        ]
    );
}

#[tokio::test]
async fn customer_withdraws_and_a_second_decision_is_refused() {
    let (desk, pai) = Desk::with_subscriber().await;
    let charge = post_charge(&desk, &pai, "c-1").await;
    let lead = desk.sign_in("lead-3", &["g-lead"]).await;
    let open = [("transaction", charge.as_str()), ("reason", "duplicate"), ("reference", "D-1")];
    let asked = post(&lead, "/disputes/open", &open).await;
    assert!(asked.has("The partner is not informed"), "{}", asked.body);
    confirm(&lead, "/disputes/open", &open).await;
    let named = [("transaction", charge.as_str()), ("reference", "D-1")];
    assert!(confirm(&lead, "/disputes/withdraw", &named).await.has("The dispute is withdrawn."));
    let late = [("transaction", charge.as_str()), ("state", "rejected"), ("reference", "D-1")];
    let refused = confirm(&lead, "/disputes/decide", &late).await;
    assert!(refused.status == 409 && refused.has("withdrawn already"), "{}", refused.body);
    desk.system.acme.deliver_due().await;
    assert!(desk.system.network.calls_to(NETFLIX, "/dispute-state").is_empty(), "it is not about fraud");
}

#[tokio::test]
async fn malformed_dispute_is_refused() {
    let (desk, pai) = Desk::with_subscriber().await;
    let charge = post_charge(&desk, &pai, "c-1").await;
    let lead = desk.sign_in("lead-3", &["g-lead"]).await;
    for (path, field, value, status) in [
        ("/disputes/open", "reason", "", 400),
        ("/disputes/open", "reason", "anger", 400),
        ("/disputes/open", "reference", "", 400),
        ("/disputes/open", "reference", "2025550101", 400),
        ("/disputes/open", "transaction", "x\0", 404),
        ("/disputes/open", "transaction", "t-1", 404),
        ("/disputes/decide", "state", "open", 400),
        ("/disputes/decide", "state", "withdrawn", 400),
        ("/disputes/decide", "reference", "D-9", 404),
        ("/disputes/withdraw", "reference", "D-9", 404),
    ] {
        let form = [
            ("transaction", charge.as_str()),
            ("reason", "fraud"),
            ("state", "accepted"),
            ("reference", "D-1"),
        ];
        let form: Vec<_> =
            form.into_iter().map(|(name, was)| (name, if name == field { value } else { was })).collect();
        assert_eq!(confirm(&lead, path, &form).await.status, status, "{path} {field}={value}");
    }
    let token = lead.get("/disputes").await.csrf();
    let form =
        [("transaction", charge.as_str()), ("reason", "fraud"), ("reference", "D-1"), ("confirmed", "yes")];
    assert_eq!(lead.post("/disputes/open", &form).await.status, 403, "without a token");
    let form: Vec<_> = [("csrf", token.as_str())].into_iter().chain(form).collect();
    let other_site = lead.post_as("/disputes/open", &form, "https://evil.example").await;
    assert_eq!(other_site.status, 403, "from another site");
    let again = lead.get("/disputes?state=x").await;
    assert!(again.has("There is no such state.") && again.has("name=\"state\""), "{}", again.body);
    for query in ["state=x", "after=x", "after=1.%00"] {
        assert_eq!(lead.get(&format!("/disputes?{query}")).await.status, 400, "{query}");
    }
    let of_disputes = desk
        .list_acts()
        .await
        .into_iter()
        .filter(|(_, act, outcome)| *act == AuditAct::DisputeOpened && *outcome == AuditOutcome::Done);
    assert_eq!(of_disputes.count(), 0);
}

#[tokio::test]
async fn disputes_are_read_in_pages() {
    let (desk, pai) = Desk::with_subscriber().await;
    let lead = desk.sign_in("lead-3", &["g-lead"]).await;
    for n in 0..21 {
        let charge = post_charge(&desk, &pai, &format!("c-{n}")).await;
        let reference = format!("D-{n}.");
        let open = [("transaction", charge.as_str()), ("reason", "fraud"), ("reference", reference.as_str())];
        assert_eq!(confirm(&lead, "/disputes/open", &open).await.status, 200, "{n}");
        desk.advance_seconds(1);
    }
    let first = lead.get("/disputes").await;
    assert!(first.has(">D-0.<") && first.has(">D-19.<") && !first.has(">D-20.<"), "{}", first.body);
    let (_, next) = first.body.split_once("href=\"/disputes?state=open&amp;after=").expect("leads on");
    let next = next.split('"').next().expect("ends");
    let second = lead.get(&format!("/disputes?state=open&after={next}")).await;
    assert!(second.has(">D-20.<") && !second.has(">D-19.<") && !second.has("after="), "{}", second.body);
    let beyond = lead.get(&format!("/disputes?state=rejected&after={next}")).await;
    assert!(beyond.has("There are no more."), "{}", beyond.body);
}
