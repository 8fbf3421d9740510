//! Care and billing at work: what an agent reads, and what they do about it.

use super::browser::{Browser, Page};
use super::{Desk, GOOD};
use crate::canary::db_files::search_ledger;
use http::Method;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_origin::config::OperatorTimeZone;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::spellings::Search;
use onbill_test_harness::{NetworkFault, TestSystem};
use serde_json::{Value, json};
use tracing::Level;

/// Is no subscriber's.
const NEVER: &str = "+12025550102";

async fn post_charge(desk: &Desk, pai: &str, id: &str) -> Value {
    desk.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await.1
}

pub(super) async fn look_up(browser: &Browser, number: &str) -> Page {
    browser.post_from("/care", "/care/search", &[("msisdn", number), ("reference", "T-1")]).await
}

#[tokio::test]
async fn number_leads_to_a_page_in_plain_words() {
    let (desk, pai) = Desk::with_subscriber().await;
    assert_eq!(post_charge(&desk, &pai, "c-1").await["status"], "APPROVED");
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    let page = look_up(&browser, "(202) 555-0101").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for text in ["<h3>Netflix</h3>", "Charged", "15.99 USD", "Signed up", "Paid until", &pai] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    assert!(!page.has("action=\"/care/refunds\""), "care refunds nothing");
    let missed = look_up(&browser, "+12025550102").await;
    assert_eq!(missed.status, 404);
    assert!(missed.has("No present subscriber"), "{}", missed.body);
    let typed = |page: &Page| page.has("value=\"+12025550102\"") && page.has("value=\"T-1\"");
    assert!(typed(&missed), "what was typed can be corrected: {}", missed.body);
    for wrong in ["", "12", "<script>"] {
        let again = look_up(&browser, wrong).await;
        assert_eq!(again.status, 400, "{wrong}");
        let is_shown = again.has("This is not a telephone number.") && again.has("value=\"T-1\"");
        assert!(is_shown && !again.has("<script>"), "{}", again.body);
    }
    let looks = desk.list_acts().await;
    let look = |outcome| ("robin-17".to_owned(), AuditAct::SubscriberLookedUp, outcome);
    assert_eq!(looks, [look(AuditOutcome::Done), look(AuditOutcome::NotFound)]);
    let entry = &desk.list_entries().await[0];
    assert_eq!((entry.key.as_str(), entry.role.as_str()), ("console", "care"));
    assert_eq!(entry.reference.as_ref().map(ToString::to_string).as_deref(), Some("T-1"));
}

#[tokio::test]
async fn decline_is_explained_in_every_language_and_markup_is_text() {
    let (desk, pai) = Desk::with_subscriber().await;
    let browser = desk.sign_in("fran-3", &["g-fraud"]).await;
    let mut charge = charge_body(&pai, "c-0", 500);
    charge["description"] = json!("<b>Netflix</b> & more");
    desk.system.call_ott(Method::POST, "/ott/v1/transaction", charge).await;
    let form = [
        ("link", pai.as_str()),
        ("partner", "netflix"),
        ("reason", "pai-revoked-by-user"),
        ("reference", "T-1"),
    ];
    let asked = browser.post_from("/care", "/care/links/close", &form).await;
    assert!(asked.has("<strong>Netflix</strong>"), "{}", asked.body);
    assert!(asked.has("Close this link?") && desk.list_entries().await.is_empty(), "{}", asked.body);
    let confirmed: Vec<_> = form.into_iter().chain([("confirmed", "yes")]).collect();
    assert!(browser.post_from("/care", "/care/links/close", &confirmed).await.has("The link is closed"));
    assert!(browser.post_from("/care", "/care/links/close", &confirmed).await.has("closed before"));
    let acts: Vec<_> = desk.list_acts().await.into_iter().map(|(_, act, outcome)| (act, outcome)).collect();
    assert_eq!(acts, [AuditOutcome::Done, AuditOutcome::Unchanged].map(|of| (AuditAct::LinkClosed, of)));
    assert_eq!(post_charge(&desk, &pai, "c-1").await["declineReason"], "pai-revoked-by-user");
    let page = look_up(&browser, GOOD).await;
    for text in [
        "Declined",
        "The customer has unlinked the partner.",
        "Usted dejó de pagar con Acme Mobile.",
        "dir=\"rtl\"",
    ] {
        assert!(page.has(text), "{text}: {}", page.body);
    }
    assert!(!page.has("<b>Netflix") && page.has("&lt;b&gt;Netflix"), "{}", page.body);
    for (link, reason, status) in [
        ("0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f", "account-closed", 404),
        ("x", "account-closed", 404),
        (pai.as_str(), "risk-declined", 400),
        (pai.as_str(), "x", 400),
    ] {
        let form = [("link", link), ("reason", reason), ("reference", "T-1"), ("confirmed", "yes")];
        assert_eq!(
            browser.post_from("/care", "/care/links/close", &form).await.status,
            status,
            "{link} {reason}"
        );
    }
}

#[tokio::test]
async fn refused_form_leads_back_to_the_customer() {
    let (desk, pai) = Desk::with_subscriber().await;
    let browser = desk.sign_in("lead-3", &["g-lead"]).await;
    // A reference that is refused would be refused there as well.
    for (reference, kept) in [("T-7", "T-7"), ("two words", ""), ("2025550101", "")] {
        let form =
            [("link", pai.as_str()), ("reason", "anger"), ("reference", reference), ("customer", GOOD)];
        let refused = browser.post_from("/care", "/care/links/close", &form).await;
        assert_eq!(refused.status, 400, "{}", refused.body);
        let back = (refused.hidden("msisdn"), refused.hidden("reference"));
        assert_eq!(back, (GOOD.to_owned(), kept.to_owned()), "{}", refused.body);
    }
    let elsewhere = browser.post_from("/care", "/care/links/close", &[("link", "x")]).await;
    assert!(elsewhere.status == 400 && elsewhere.has("Back to Care"), "{}", elsewhere.body);
}

#[tokio::test]
async fn supervisor_refunds_within_the_ceiling_once() {
    let (desk, pai) = Desk::with_subscriber().await;
    let charge = post_charge(&desk, &pai, "c-1").await;
    let charge = charge["transactionID"].as_str().expect("has one").to_owned();
    let browser = desk.sign_in("lead-3", &["g-lead"]).await;
    let form = |amount: &'static str| {
        [
            ("transaction", charge.as_str()),
            ("amount", amount),
            ("currency", "USD"),
            ("reason", "A child ordered it"),
            ("borne_by", "operator"),
            ("reference", "T-7"),
        ]
    };
    let page = look_up(&browser, GOOD).await;
    assert!(page.has("action=\"/care/refunds\"") && page.has("value=\"15.99\""), "{}", page.body);
    let asked = browser.post_from("/care", "/care/refunds", &form("6,00")).await;
    assert!(asked.has("Refund this?") && asked.hidden("amount") == "6.00", "{}", asked.body);
    let confirmed: Vec<_> = form("6.00").into_iter().chain([("confirmed", "yes")]).collect();
    let done = browser.post_from("/care", "/care/refunds", &confirmed).await;
    assert!(done.has("Billing has refunded the money."), "{}", done.body);
    let again = browser.post_from("/care", "/care/refunds", &confirmed).await;
    assert!(again.has("nothing more was refunded"), "{}", again.body);
    assert!(look_up(&browser, GOOD).await.has("Refunded: 6.00 USD"));
    for (field, value) in [
        ("amount", "0"),
        ("amount", "1.999"),
        ("currency", "x"),
        ("borne_by", ""),
        ("reason", ""),
        ("reference", ""),
        ("reference", "two words"),
        ("reference", "+12025550101"),
        ("reference", "202-555-0101"),
    ] {
        let wrong: Vec<_> = form("1")
            .into_iter()
            .map(|(name, was)| (name, if name == field { value } else { was }))
            .collect();
        let wrong: Vec<_> = wrong.into_iter().chain([("confirmed", "yes")]).collect();
        assert_eq!(browser.post_from("/care", "/care/refunds", &wrong).await.status, 400, "{field}={value}");
    }
}

/// The agent and the customer look at the same clock.
#[tokio::test]
async fn times_are_those_of_the_operators_zone() {
    let (mut system, _) = TestSystem::with_subscriber(GOOD).await;
    let zone = OperatorTimeZone::try_from("Europe/Madrid".to_owned()).expect("is a zone");
    system.reconfigure_acme(|config| config.time_zone = zone);
    let desk = Desk::open(system);
    let care = desk.sign_in("robin-17", &["g-care"]).await;
    let admin = desk.sign_in("adm-1", &["g-admin"]).await;
    let customer = look_up(&care, GOOD).await;
    for page in [&customer, &admin.get("/auditor").await, &admin.get("/on-call").await] {
        let is_local = page.has("datetime=\"2026-11-18T11:0") && page.has(">2026-11-18 12:0");
        assert!(is_local && page.has(" CET</time>") && !page.has(" UTC<"), "{}", page.body);
    }
}

#[tokio::test]
async fn dead_letter_is_seen_and_retried_with_a_reason() {
    let (desk, pai) = Desk::with_subscriber().await;
    desk.system.network.inject_fault("127.0.0.1:8790/csp/transaction", NetworkFault::Lost);
    assert_eq!(post_charge(&desk, &pai, "c-1").await["status"], "PENDING");
    let now = desk.system.now().unix_seconds();
    let dead = format!("UPDATE outbox SET dead_lettered_at = {now} WHERE kind = 'charge'");
    desk.system.acme.db.run_sql(&dead).await;
    let (billing, finance) =
        (desk.sign_in("bill-2", &["g-billing"]).await, desk.sign_in("fin-1", &["g-finance"]).await);
    let seen = finance.get("/billing").await;
    assert!(seen.has("c-1") && !seen.has("action=\"/billing/retry\""), "{}", seen.body);
    let page = billing.get("/billing").await;
    assert!(page.has("c-1") && page.has("action=\"/billing/retry\""), "{}", page.body);
    let job = page.hidden("job");
    desk.system.network.clear_faults();
    let without = billing.post_from("/billing", "/billing/retry", &[("job", &job)]).await;
    assert_eq!(without.status, 400, "a reason is needed");
    let retry = [("job", job.as_str()), ("reference", "mended-4711")];
    assert!(billing.post_from("/billing", "/billing/retry", &retry).await.has("in its queue again"));
    assert_eq!(billing.post_from("/billing", "/billing/retry", &retry).await.status, 404, "a double click");
    desk.system.acme.deliver_due().await;
    let (_, charge) = desk.system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(charge["status"], "APPROVED", "{charge}");
    assert!(billing.get("/billing").await.has("Every job is done"));
    let job_retried: Vec<_> =
        desk.list_acts().await.into_iter().map(|(_, act, outcome)| (act, outcome)).collect();
    assert_eq!(
        job_retried,
        [AuditOutcome::Done, AuditOutcome::NotFound].map(|of| (AuditAct::JobRetried, of))
    );
}

#[tokio::test]
async fn number_that_is_looked_up_stays_in_the_form() {
    let (desk, _) = Desk::with_subscriber().await;
    let browser = desk.sign_in("robin-17", &["g-care"]).await;
    let (log, _guard) = LogCapture::capture_thread(Level::TRACE);
    let before = desk.system.network.raw_calls().len();
    for (typed, status) in [(GOOD, 200), ("(202) 555-0101", 200), (NEVER, 404), ("+12025550101 ext 5", 400)] {
        assert_eq!(look_up(&browser, typed).await.status, status, "{typed}");
    }
    desk.system.acme.deliver_due().await;
    let search = Search::for_numbers(&[GOOD, NEVER]);
    search.assert_absent("the log", &log.to_bytes());
    for crossing in &desk.system.network.raw_calls()[before..] {
        search.assert_absent("a URL", crossing.path.as_bytes());
    }
    search_ledger(&desk.system.acme, &search).await;
}
