//! Two programs of one origin on one PostgreSQL database: each counts what it has done itself, and
//! both show the same queues.

use super::scrape;
use http::Method;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

#[tokio::test]
async fn origins_on_one_database_show_the_same_queues() {
    let system = TestSystem::with_two_origins().await;
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let pai = system.pai_of("ann@example.com").await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    for n in 1..=6 {
        let body = charge_body(&pai, &format!("c-{n}"), 1599);
        let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", body).await;
        assert_eq!(answer["status"], "PENDING", "{answer}");
    }
    system.advance_seconds(120);
    let one = scrape(&system, &system.acme.origins[0]).await;
    let other = scrape(&system, &system.acme.origins[1]).await;
    for page in [&one, &other] {
        let billing = [("queue", "billing")];
        assert!((page.value("onbill_queue_entries", &billing) - 6.0).abs() < 0.5);
        let age = page.value("onbill_queue_oldest_age_seconds", &billing);
        assert!((120.0..200.0).contains(&age), "{age}");
        assert!(page.value("onbill_database_connections", &[("state", "idle")]) >= 1.0);
        assert_eq!(page.find("onbill_write_ahead_log_bytes", &[]), None, "it is a server's own");
    }
    let pending = |page: &super::Page| page.sum("onbill_charges_pending_total", &[]);
    assert!((pending(&one) + pending(&other) - 6.0).abs() < 0.5, "each charge was answered by one of them");
    let commits = |page: &super::Page| page.value("onbill_commit_duration_seconds_count", &[]);
    assert!(commits(&one) > 0.5 && commits(&other) > 0.5, "both have written");
}
