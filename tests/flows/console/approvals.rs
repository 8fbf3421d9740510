//! A refund above the ceiling of a role takes two people.

use super::browser::{Browser, Page};
use super::desks::look_up;
use super::{Desk, GOOD};
use http::Method;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_test_harness::customer::charge_body;

/// As a customer is whom another system charges. They have no line of its file, which the check would ask for.
const DARK: &str = "PRAGMA ignore_check_constraints = ON; UPDATE pais SET dark_since = 1795000000";
const CUT_OVER: &str = "PRAGMA ignore_check_constraints = ON; UPDATE pais SET dark_since = NULL";

async fn charged() -> (Desk, String) {
    let (desk, pai) = Desk::with_subscriber().await;
    let (_, charge) =
        desk.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let id = charge["transactionID"].as_str().expect("has one").to_owned();
    (desk, id)
}

async fn refund(browser: &Browser, charge: &str, amount: &str, reference: &str) -> Page {
    let form = [
        ("transaction", charge),
        ("amount", amount),
        ("currency", "USD"),
        ("reason", "Billed twice"),
        ("borne_by", "partner"),
        ("reference", reference),
        ("confirmed", "yes"),
    ];
    browser.post_from("/care", "/care/refunds", &form).await
}

/// The path of the first request on the page.
fn first_request(page: &Page) -> String {
    let (_, rest) = page.body.split_once("action=\"/approvals/").expect("waits");
    format!("/approvals/{}", rest.split('"').next().expect("ends"))
}

#[tokio::test]
async fn large_refund_waits_for_a_second_person() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    let page = refund(&first, &charge, "15.99", "T-1").await;
    assert!(page.has("A second person is needed") && page.has("10.00 USD"), "{}", page.body);
    assert!(refund(&first, &charge, "15.99", "T-1").await.has("asked for before"), "a double click");
    assert!(!look_up(&first, GOOD).await.has("Refunded"), "nothing has moved");
    let own = first.get("/approvals").await;
    assert!(own.has("another person has to decide") && !own.has("value=\"approve\""), "{}", own.body);
    let waiting = second.get("/approvals").await;
    assert!(
        waiting.has("15.99 USD for Netflix") && waiting.has("Billed twice") && waiting.has("lead-3"),
        "{}",
        waiting.body
    );
    let path = first_request(&waiting);
    // Whoever asked posts the form of the other by hand.
    assert_eq!(first.post_from("/approvals", &path, &[("decision", "approve")]).await.status, 403);
    let agreed = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert!(agreed.has("Billing has refunded the money."), "{}", agreed.body);
    let late = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert!(late.status == 409 && late.has("Back to Approvals"), "{}", late.body);
    assert!(second.get("/approvals").await.has("No refund waits"));
    assert!(look_up(&first, GOOD).await.has("Refunded: 15.99 USD"));
    let acts: Vec<_> = desk
        .list_acts()
        .await
        .into_iter()
        .filter(|(_, act, _)| *act != AuditAct::SubscriberLookedUp)
        .collect();
    let by = |actor: &str, act, outcome| (actor.to_owned(), act, outcome);
    assert_eq!(
        acts,
        [
            by("lead-3", AuditAct::RefundPosted, AuditOutcome::Refused),
            by("lead-3", AuditAct::RefundAsked, AuditOutcome::Done),
            by("lead-3", AuditAct::RefundPosted, AuditOutcome::Refused),
            by("lead-3", AuditAct::RefundAsked, AuditOutcome::Unchanged),
            by("lead-3", AuditAct::RefundApproved, AuditOutcome::Refused),
            by("lead-4", AuditAct::RefundApproved, AuditOutcome::Done),
            by("lead-3", AuditAct::RefundPosted, AuditOutcome::Done),
            by("lead-4", AuditAct::RefundApproved, AuditOutcome::Unchanged),
        ]
    );
}

#[tokio::test]
async fn refund_that_is_not_agreed_to_is_not_made() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "12", "T-1").await;
    let path = first_request(&second.get("/approvals").await);
    assert_eq!(second.post_from("/approvals", &path, &[("decision", "perhaps")]).await.status, 400);
    for _ in 0..2 {
        // The second one is a double click.
        let rejected = second.post_from("/approvals", &path, &[("decision", "reject")]).await;
        assert!(rejected.status == 200 && rejected.has("The refund is not made"), "{}", rejected.body);
    }
    assert_eq!(first.post_from("/approvals", &path, &[("decision", "reject")]).await.status, 409);
    assert_eq!(second.post_from("/approvals", &path, &[("decision", "approve")]).await.status, 409);
    assert_eq!(second.post_from("/approvals", "/approvals/x", &[("decision", "approve")]).await.status, 404);
    assert!(!look_up(&first, GOOD).await.has("Refunded"));
}

#[tokio::test]
async fn agreed_refund_is_never_more_than_what_is_left() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "15.99", "T-1").await;
    assert!(refund(&second, &charge, "5", "T-2").await.has("refunded the money"));
    let path = first_request(&second.get("/approvals").await);
    let refused = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert_eq!(refused.status, 400, "{}", refused.body);
    assert!(second.get("/approvals").await.has("No refund waits"), "it has failed, and says so once");
}

#[tokio::test]
async fn reference_names_one_refund_that_waits() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "15.99", "T-1").await;
    let other = refund(&first, &charge, "12", "T-1").await;
    assert_eq!(other.status, 422, "{}", other.body);
    assert!(other.has("names another refund") && other.has("it waits"), "{}", other.body);
    let path = first_request(&second.get("/approvals").await);
    second.post_from("/approvals", &path, &[("decision", "reject")]).await;
    for amount in ["15.99", "12"] {
        let again = refund(&first, &charge, amount, "T-1").await;
        assert_eq!(again.status, 422, "{}", again.body);
        assert!(again.has("not agreed to") && !again.has("waits for"), "{}", again.body);
    }
    assert!(second.get("/approvals").await.has("No refund waits"), "the page had said so");
    assert!(refund(&first, &charge, "12", "T-2").await.has("A second person is needed"));
}

#[tokio::test]
async fn request_is_taken_back_by_who_asked() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "15.99", "T-1").await;
    let own = first.get("/approvals").await;
    assert!(own.has("Take it back"), "{}", own.body);
    let path = first_request(&own);
    let back = first.post_from("/approvals", &path, &[("decision", "reject")]).await;
    assert!(back.has("The refund is not made"), "{}", back.body);
    assert_eq!(second.post_from("/approvals", &path, &[("decision", "approve")]).await.status, 409);
    assert!(!look_up(&first, GOOD).await.has("Refunded"));
}

#[tokio::test]
async fn refund_waits_while_another_system_charges_the_customer() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "15.99", "T-1").await;
    let path = first_request(&second.get("/approvals").await);
    let db = &desk.system.acme.db;
    db.run_sql(DARK).await;
    let passing = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert_eq!(passing.status, 503, "{}", passing.body);
    assert!(passing.has("Or give the money back in that system"), "{}", passing.body);
    let small = refund(&first, &charge, "1.00", "T-2").await;
    assert_eq!(small.status, 503, "{}", small.body);
    assert!(small.has("Another system charges this customer") && small.has("do this in that system"));
    assert!(second.get("/approvals").await.has("the refund has not been made yet"), "it has not failed");
    db.run_sql(CUT_OVER).await;
    let agreed = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert!(agreed.has("Billing has refunded the money."), "{}", agreed.body);
    assert!(second.get("/approvals").await.has("No refund waits"));
}

/// The other system has given the money back, so onbill does not.
#[tokio::test]
async fn agreed_refund_is_taken_back_while_it_is_not_made() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    let db = &desk.system.acme.db;
    for (reference, person, button) in [("T-1", &second, "Do not refund"), ("T-2", &first, "Take it back")] {
        refund(&first, &charge, "15.99", reference).await;
        let path = first_request(&second.get("/approvals").await);
        db.run_sql(DARK).await;
        assert_eq!(second.post_from("/approvals", &path, &[("decision", "approve")]).await.status, 503);
        let waiting = person.get("/approvals").await;
        assert!(waiting.has("has not been made yet") && waiting.has(button), "{}", waiting.body);
        let back = person.post_from("/approvals", &path, &[("decision", "reject")]).await;
        assert!(back.status == 200 && back.has("The refund is not made"), "{}", back.body);
        db.run_sql(CUT_OVER).await;
        assert_eq!(second.post_from("/approvals", &path, &[("decision", "approve")]).await.status, 409);
        assert!(second.get("/approvals").await.has("No refund waits"));
    }
    assert!(!look_up(&first, GOOD).await.has("Refunded"));
}

#[tokio::test]
async fn refund_that_an_origin_did_not_get_to_is_made_once() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "15.99", "T-1").await;
    let path = first_request(&second.get("/approvals").await);
    // An origin ended right after the decision; then another one between refund and request.
    let db = &desk.system.acme.db;
    let approved =
        "UPDATE refund_requests SET state = 'approved', decided_by = 'lead-4', decided_at = 1795000000";
    db.run_sql(approved).await;
    assert!(second.get("/approvals").await.has("the refund has not been made yet"));
    let agreed = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert!(agreed.has("Billing has refunded the money."), "{}", agreed.body);
    db.run_sql(approved).await;
    let late = second.post_from("/approvals", &path, &[("decision", "reject")]).await;
    assert!(late.status == 409 && late.has("was given to billing before"), "{}", late.body);
    let again = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    assert!(again.has("nothing more was refunded"), "{}", again.body);
    assert!(second.get("/approvals").await.has("No refund waits"));
    assert!(look_up(&first, GOOD).await.has("Refunded: 15.99 USD"));
}

/// A refund of a charge that waits for a second person: the charge, who has asked, and who decides.
async fn waiting_refund() -> (Desk, String, Browser, Browser) {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    refund(&first, &charge, "15.99", "T-1").await;
    (desk, charge, first, second)
}

/// `docs/operate/backup-restore.md` says what people do about it.
#[tokio::test]
async fn restored_request_waits_again_whatever_was_decided_since() {
    for decision in ["approve", "reject"] {
        let (mut desk, _, _, second) = waiting_refund().await;
        let copy = desk.system.acme.db.copy();
        let path = first_request(&second.get("/approvals").await);
        assert_eq!(second.post_from("/approvals", &path, &[("decision", decision)]).await.status, 200);
        assert!(second.get("/approvals").await.has("No refund waits"));
        desk.restore(copy).await;
        assert_eq!(first_request(&second.get("/approvals").await), path, "{decision}");
        let agreed = second.post_from("/approvals", &path, &[("decision", "approve")]).await;
        assert!(agreed.has("Billing has refunded the money."), "{}", agreed.body);
        let bill = desk.system.bill_lines(&desk.system.acme, GOOD).await;
        assert_eq!(bill.len(), 2, "given back once, also if it was made before: {bill:?}");
    }
}

/// Where a restored ledger lacks a refund that billing has, a rejection would keep it out.
#[tokio::test]
async fn restored_request_that_was_made_can_be_rejected() {
    let (mut desk, charge, first, second) = waiting_refund().await;
    let copy = desk.system.acme.db.copy();
    let path = first_request(&second.get("/approvals").await);
    second.post_from("/approvals", &path, &[("decision", "approve")]).await;
    desk.restore(copy).await;
    let rejected = second.post_from("/approvals", &path, &[("decision", "reject")]).await;
    assert!(rejected.has("The refund is not made"), "{}", rejected.body);
    assert_eq!(second.post_from("/approvals", &path, &[("decision", "approve")]).await.status, 409);
    assert_eq!(refund(&first, &charge, "15.99", "T-1").await.status, 422, "the reference is used up");
    assert_eq!(desk.system.bill_lines(&desk.system.acme, GOOD).await.len(), 2, "billing has made it");
}

#[tokio::test]
async fn requests_of_others_come_first_and_in_pages() {
    let (desk, charge) = charged().await;
    let (first, second) =
        (desk.sign_in("lead-3", &["g-lead"]).await, desk.sign_in("lead-4", &["g-lead"]).await);
    for n in 0..20 {
        refund(&second, &charge, "15.99", &format!("own-{n}")).await;
    }
    desk.advance_seconds(1);
    for n in 0..21 {
        refund(&first, &charge, "15.99", &format!("T-{n}")).await;
    }
    let page = second.get("/approvals").await;
    assert!(page.has("value=\"approve\"") && page.has("own-0") && page.has("More"), "{}", page.body);
    assert_eq!(page.body.matches("value=\"approve\"").count(), 20);
    let (_, next) = page.body.split_once("href=\"/approvals?after=").expect("has one");
    let next = format!("/approvals?after={}", next.split('"').next().expect("ends"));
    let last = second.get(&next).await;
    assert_eq!((last.status, last.body.matches("value=\"approve\"").count()), (200, 1), "{}", last.body);
    assert!(!last.has("own-0") && !last.has(">More<"));
    for wrong in ["x", "1", "1.", "x.y", ".y", "1.%00", "1.a&after=1.b"] {
        assert_eq!(second.get(&format!("/approvals?after={wrong}")).await.status, 400, "{wrong}");
    }
}
