//! Every page, for every role: what the table of rights allows, and nothing else.

use super::Desk;
use http::Method;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditOutcome};
use onbill_origin::care::{Act, permits};
use onbill_origin::console::{CONSOLE_ROUTES, OPEN_ROUTES};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::charge_body;

const GROUPS: [(&str, ActorRole); 8] = [
    ("g-care", ActorRole::Care),
    ("g-lead", ActorRole::Supervisor),
    ("g-billing", ActorRole::Billing),
    ("g-finance", ActorRole::Finance),
    ("g-fraud", ActorRole::Fraud),
    ("g-product", ActorRole::Product),
    ("g-audit", ActorRole::Auditor),
    ("g-admin", ActorRole::Admin),
];

type Form = &'static [(&'static str, &'static str)];

/// What each page takes, and a form that is well formed.
const PAGES: &[(&str, &str, Act, Form)] = &[
    ("get", "/care", Act::SearchSubscriber, &[]),
    ("post", "/care/search", Act::SearchSubscriber, &[("msisdn", "+12025550199")]),
    (
        "post",
        "/care/links/close",
        Act::CloseLink,
        &[
            ("link", "0f0f0f0f-0f0f-4f0f-8f0f-0f0f0f0f0f0f"),
            ("reason", "account-closed-fraud"),
            ("reference", "T-1"),
        ],
    ),
    (
        "post",
        "/care/refunds",
        Act::PostRefund,
        &[
            ("transaction", "t-1"),
            ("amount", "1"),
            ("currency", "USD"),
            ("reason", "x"),
            ("borne_by", "operator"),
            ("reference", "T-1"),
        ],
    ),
    ("post", "/care/sms/resend", Act::ResendSms, &[("coupon", "c-1"), ("reference", "T-1")]),
    ("get", "/disputes", Act::ReadDisputes, &[]),
    (
        "post",
        "/disputes/open",
        Act::OpenDispute,
        &[("transaction", "t-1"), ("reason", "fraud"), ("reference", "D-1")],
    ),
    ("post", "/disputes/withdraw", Act::OpenDispute, &[("transaction", "t-1"), ("reference", "D-1")]),
    (
        "post",
        "/disputes/decide",
        Act::DecideDispute,
        &[("transaction", "t-1"), ("state", "rejected"), ("reference", "D-1")],
    ),
    ("get", "/approvals", Act::ApproveRefund, &[]),
    ("post", "/approvals/{id}", Act::ApproveRefund, &[("decision", "approve")]),
    ("get", "/billing", Act::ReadQueue, &[]),
    ("post", "/billing/retry", Act::RetryJob, &[("job", "404"), ("reference", "T-1")]),
    ("get", "/finance", Act::ReadMonth, &[]),
    ("get", "/finance/print", Act::ReadMonth, &[]),
    ("get", "/finance/month.csv", Act::ReadMonth, &[]),
    ("get", "/finance/findings", Act::ReadMonth, &[]),
    ("get", "/product", Act::ReadFunnel, &[]),
    ("get", "/on-call", Act::ReadAlarms, &[]),
    ("get", "/on-call/runbook/{alarm}", Act::ReadAlarms, &[]),
    ("get", "/auditor", Act::ReadAudit, &[]),
    ("post", "/auditor", Act::ReadAudit, &[("by", "subscriber-looked-up"), ("value", "")]),
];

/// A page of findings names what they are of.
const FINDINGS: &str =
    "/finance/findings?partner=netflix&from=2026-11-01&to=2026-11-30&cause=missing-on-bill";

/// Pages of everybody who has signed in.
const OF_ALL: &[&str] = &["/", "/sign-out"];

#[tokio::test]
async fn role_does_what_the_table_allows_and_the_rest_is_in_the_audit() {
    let desk = Desk::open(TestSystem::start());
    for (group, role) in GROUPS {
        let browser = desk.sign_in(role.as_str(), &[group]).await;
        let csrf = browser.get("/not-here").await;
        assert_eq!(csrf.status, 404);
        for (method, path, act, fields) in PAGES {
            let before = desk.list_entries().await.len();
            let path = path.replace("{id}", "r-1").replace("{alarm}", "disk-low");
            let path = if path == "/finance/findings" { FINDINGS.to_owned() } else { path };
            let page = if *method == "get" {
                browser.get(&path).await
            } else {
                let token = desk_token(&browser);
                let fields: Vec<(&str, &str)> =
                    [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
                browser.post(&path, &fields).await
            };
            let refused: Vec<_> = desk.list_entries().await[before..]
                .iter()
                .filter(|entry| entry.act == AuditAct::AccessRefused)
                .map(|entry| (entry.role, entry.outcome))
                .collect();
            if permits(role, *act) {
                assert!([200, 404].contains(&page.status), "{role:?} {path}: {} {}", page.status, page.body);
                assert!(refused.is_empty(), "{role:?} {path}");
            } else {
                assert_eq!(page.status, 403, "{role:?} {path}: {}", page.body);
                let is_in_words = page.has("In your roles you may not ") && !page.has(act.as_str());
                assert!(is_in_words, "{role:?} {path}: {}", page.body);
                assert_eq!(refused, [(role, AuditOutcome::Refused)], "{role:?} {path}");
            }
        }
    }
}

/// The token follows from the session's id, as the pages show it.
fn desk_token(browser: &super::Browser) -> String {
    let id = browser.cookies.lock().expect("is whole")["onbill-console"].clone();
    let mac = onbill_domain::key::hmac_sha256(id.as_bytes(), b"onbill console form");
    onbill_domain::encoding::encode_base64url(&mac)
}

#[tokio::test]
async fn every_page_asks_who_looks() {
    let desk = Desk::open(TestSystem::start());
    let stranger = desk.browser();
    for (method, path) in CONSOLE_ROUTES.iter().filter(|(_, path)| !OPEN_ROUTES.contains(path)) {
        let known = OF_ALL.contains(path) || PAGES.iter().any(|(of, at, ..)| of == method && at == path);
        assert!(known, "{method} {path} is in no role's row");
        let (path, shown) =
            (path.replace("{id}", "r-1").replace("{alarm}", "disk-low"), format!("{method} {path}"));
        if *method == "get" {
            let page = stranger.get(&path).await;
            assert_eq!((page.status, page.location()), (303, "/sign-in"), "{shown}");
        } else {
            assert_eq!(stranger.post(&path, &[("csrf", "x")]).await.status, 401, "{shown}");
        }
    }
    assert!(desk.list_entries().await.is_empty());
}

#[tokio::test]
async fn person_of_several_groups_has_all_their_roles() {
    let desk = Desk::open(TestSystem::start());
    let browser = desk.sign_in("sam", &["g-billing", "g-care"]).await;
    assert_eq!(browser.get("/care").await.status, 200);
    let page = browser.get("/billing").await;
    assert!(page.has("href=\"/care\"") && page.has("href=\"/billing\"") && !page.has("href=\"/approvals\""));
}

async fn post_with_token(browser: &super::Browser, path: &str, fields: &[(&str, &str)]) -> u16 {
    let token = desk_token(browser);
    let fields: Vec<(&str, &str)> =
        [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    browser.post(path, &fields).await.status
}

#[tokio::test]
async fn attempt_with_a_malformed_form_is_in_the_audit_too() {
    let desk = Desk::open(TestSystem::start());
    let product = desk.sign_in("prod-1", &["g-product"]).await;
    let admin = desk.sign_in("adm-1", &["g-admin"]).await;
    for (_, path, act, _) in PAGES.iter().filter(|(method, ..)| *method == "post") {
        let path = path.replace("{id}", "r-1");
        for fields in [&[][..], &[("reference", "two words")], &[("reference", "+12025550101")]] {
            let before = desk.list_entries().await.len();
            assert_eq!(post_with_token(&product, &path, fields).await, 403, "{path}");
            let entries = desk.list_entries().await;
            let refused = (AuditAct::AccessRefused, Some(act.as_str()), None);
            let entry = &entries[before];
            assert_eq!((entry.act, entry.subject.as_deref(), entry.reference.as_ref()), refused, "{path}");
            assert_eq!(post_with_token(&admin, &path, fields).await, 400, "{path}");
            assert_eq!(desk.list_entries().await.len(), before + 1, "{path}");
        }
    }
}

#[tokio::test]
async fn role_without_a_ceiling_counts() {
    let (desk, pai) = Desk::with_subscriber().await;
    let body = charge_body(&pai, "c-1", 1599);
    let (_, charge) = desk.system.call_ott(Method::POST, "/ott/v1/transaction", body).await;
    let form = [
        ("transaction", charge["transactionID"].as_str().expect("has one")),
        ("amount", "15.99"),
        ("currency", "USD"),
        ("reason", "Billed twice"),
        ("borne_by", "partner"),
        ("reference", "T-1"),
        ("confirmed", "yes"),
    ];
    let both = desk.sign_in("sam", &["g-lead", "g-admin"]).await;
    let page = both.post_from("/care", "/care/refunds", &form).await;
    assert!(page.has("Billing has refunded the money."), "{}", page.body);
    let entries = desk.list_entries().await;
    assert_eq!(entries.last().map(|entry| entry.role), Some(ActorRole::Admin));
}
