//! The pages of finance, product, on-call and the auditor: what they show is what happened, for those who
//! may see it.

use super::{Desk, GOOD};
use http::Method;
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_origin::store::{KeptFinding, KeptReport, ReportKind};
use onbill_test_harness::customer::charge_body;
use serde_json::json;

/// A charge, a refund of it, and the counts of the day.
async fn counted_day() -> Desk {
    let (desk, pai) = Desk::with_subscriber().await;
    let system = &desk.system;
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    let refund =
        json!({"extRefundID": "r-1", "reason": "Cancelled", "amount": {"value": 600, "currency": "USD"}});
    system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    system.acme.app().daily_counts().count_due_days().await.expect("works");
    desk
}

#[tokio::test]
async fn month_has_charts_with_their_numbers_and_a_file() {
    let desk = counted_day().await;
    let browser = desk.sign_in("alex", &["g-finance"]).await;
    let page = browser.get("/finance").await;
    assert_eq!(page.status, 200, "{}", page.body);
    for expected in [
        "Finance, 2026-11",
        "Charges in USD by day",
        ">15.99<",
        ">6.00<",
        "Counted until <time datetime=\"2026-11-18T11:0",
    ] {
        assert!(page.has(expected), "{expected}: {}", page.body);
    }
    assert!(!page.has("<script") && !page.has("style="), "the policy allows neither: {}", page.body);
    let file = browser.get("/finance/month.csv?month=2026-11").await;
    let lines: Vec<&str> = file.body.lines().collect();
    assert_eq!(lines[0], "day,partner,charge_code,outcome,reason,count,amount_minor,currency");
    assert_eq!(lines.len(), 3, "{}", file.body);
    assert!(
        lines[1].starts_with("2026-11-18,netflix,") && lines[1].ends_with(",approved,,1,1599,USD"),
        "{}",
        file.body
    );
    let printed = browser.get("/finance/print?month=2026-11").await;
    let as_of = "Acme Mobile, as of <time datetime=\"2026-11-";
    assert!(printed.has("<details open") && printed.has(as_of), "{}", printed.body);
    assert!(browser.get("/finance?month=2026-10").await.has("Nothing was settled"));
    let again = browser.get("/finance?month=november").await;
    assert_eq!(again.status, 400);
    let is_asked = again.has("A month is written like 2026-11.") && again.has("value=\"november\"");
    assert!(is_asked, "{}", again.body);
    assert_eq!(browser.get("/finance/print?month=november").await.status, 400);
    assert!(browser.get("/finance?month=").await.has("Finance, 2026-11"), "nothing was typed");
}

#[tokio::test]
async fn kept_reports_are_shown_side_by_side_and_lead_to_findings() {
    let desk = Desk::open(onbill_test_harness::TestSystem::start());
    let day = |text: &str| Day::parse(text).expect("is a day");
    let sum = |minor: i64| json!({"charges": 1, "chargesMinor": minor, "refunds": 0, "refundsMinor": 0});
    let report = json!({
        "sums": [{"currency": "USD", "chargeCode": "OTT-1", "ours": sum(1599), "partner": sum(1599),
                  "billing": sum(1500), "nextBill": sum(0)}],
        "causes": [{"cause": "amount-differs-on-bill", "charges": 1, "refunds": 0}],
        "lines": 1, "unreadable": 0, "agree": false,
    });
    let kept = KeptReport {
        kind: ReportKind::Reconciliation,
        partner: PartnerId::parse("netflix").expect("is an id"),
        from: day("2026-11-01"),
        to: day("2026-11-30"),
        made_at: desk.system.now(),
        report: report.to_string(),
    };
    let mut columns: Vec<String> = (0..20).map(|n| format!("column-{n}")).collect();
    (columns[7], columns[8]) = ("1599".to_owned(), "USD".to_owned());
    let finding = KeptFinding {
        place: 0,
        cause: "amount-differs-on-bill".to_owned(),
        finding: json!(columns).to_string(),
    };
    desk.system.acme.app().store.keep_report(kept, vec![finding]).await.expect("works");

    let browser = desk.sign_in("alex", &["g-finance"]).await;
    let page = browser.get("/finance?month=2026-11").await;
    assert!(page.has("The sums differ.") && page.has("OTT-1") && page.has("15.00"), "{}", page.body);
    let link = "/finance/findings?partner=netflix&from=2026-11-01&to=2026-11-30&cause=amount-differs-on-bill";
    assert!(page.has(&link.replace('&', "&amp;")), "{}", page.body);
    let findings = browser.get(link).await;
    assert!(
        findings.has("<code>column-2</code>") && findings.has(">15.99 USD<") && !findings.has("after="),
        "{}",
        findings.body
    );
    assert_eq!(browser.get(&link.replace("amount-differs-on-bill", "no-such")).await.status, 404);
    assert_eq!(browser.get("/finance/findings?partner=netflix").await.status, 400);
}

#[tokio::test]
async fn funnel_shows_how_far_customers_came() {
    let desk = counted_day().await;
    let browser = desk.sign_in("mika", &["g-product"]).await;
    let page = browser.get("/product").await;
    assert!(page.has("From the number to the subscription") && page.has("By language"), "{}", page.body);
    assert!(
        page.has("data-label=\"Channel\">Widget<") && page.has("data-label=\"Language\">English<"),
        "{}",
        page.body
    );
    let none = browser.get("/product?channel=app&locale=de").await;
    assert!(!none.has("By language"), "{}", none.body);
    for (query, said) in [
        ("channel=fax", "There is no such one."),
        ("from=yesterday", "A day is written like 2026-11-18."),
        ("from=2020-01-01&to=2026-11-18", "At most 400 days"),
        ("from=2026-11-18&to=2026-11-17", "before the first one"),
    ] {
        let again = browser.get(&format!("/product?{query}")).await;
        assert_eq!(again.status, 400, "{query}");
        assert!(again.has(said) && again.has("name=\"proof\""), "{query}: {}", again.body);
    }
}

#[tokio::test]
async fn on_call_sees_alarms_origins_and_queues() {
    let desk = counted_day().await;
    desk.system.acme.app().readiness.check().await;
    let browser = desk.sign_in("toni", &["g-admin"]).await;
    let page = browser.get("/on-call").await;
    for expected in ["Origins of this ledger", ">up<", "What waits", "billing", "Calls at this origin"] {
        assert!(page.has(expected), "{expected}: {}", page.body);
    }
    let runbook = browser.get("/on-call/runbook/billing-unreachable").await;
    assert!(
        runbook.has("docs/operate/alarms.md#billing-unreachable") && runbook.has("CSP API"),
        "{}",
        runbook.body
    );
    assert!(runbook.has("<ol><li><code>onbill-origin config check</code>"), "{}", runbook.body);
    assert_eq!(browser.get("/on-call/runbook/no-such-alarm").await.status, 404);
}

#[tokio::test]
async fn auditor_reads_who_looked_at_whom_and_no_number() {
    let desk = counted_day().await;
    let care = desk.sign_in("care-17", &["g-care"]).await;
    care.post_from("/care", "/care/search", &[("msisdn", GOOD)]).await;
    let auditor = desk.sign_in("dana", &["g-audit"]).await;
    let page = auditor.get("/auditor?by=subscriber-looked-up").await;
    assert!(
        page.has("data-label=\"Act\">Look-up of a number<") && page.has("<code>care-17</code>"),
        "{}",
        page.body
    );
    assert!(!page.has("2025550101"), "{}", page.body);
    assert!(auditor.get("/auditor?by=actor&value=dana").await.has("There are no such entries."));
    assert!(page.has("method=\"post\" action=\"/auditor\""), "what is typed is in no URL");
    let typed = [("by", "actor"), ("value", "dana")];
    assert!(auditor.post_from("/auditor", "/auditor", &typed).await.has("There are no such entries."));
}

#[tokio::test]
async fn filter_that_names_nothing_says_so_at_its_field() {
    let desk = counted_day().await;
    let auditor = desk.sign_in("dana", &["g-audit"]).await;
    for (by, value, said) in [
        ("actor", "", "Write the id of the person here"),
        ("subscriber", " ", "Write the id of the subscriber here"),
        ("subscriber", "two words", "This is no id"),
        // PostgreSQL takes no NUL.
        ("subscriber", "h\0", "This is no id"),
        ("';--", "", "There is no such act."),
    ] {
        let again = auditor.post_from("/auditor", "/auditor", &[("by", by), ("value", value)]).await;
        assert_eq!(again.status, 400, "{by} {value}");
        let is_asked = again.has(said) && again.has("aria-invalid=\"true\"");
        assert!(is_asked && again.has("<select name=\"by\"") && !again.has("<table"), "{}", again.body);
    }
    assert_eq!(auditor.get("/auditor?by=actor&value=").await.status, 400, "nor does a link");
    let elsewhere = auditor.get("/auditor?before=x").await;
    assert!(elsewhere.status == 400 && elsewhere.has("Back to Audit"), "{}", elsewhere.body);
    let unused = auditor.post_from("/auditor", "/auditor", &[("by", ""), ("value", "dana")]).await;
    assert!(unused.status == 200 && unused.has("Not used:"), "{}", unused.body);
}
