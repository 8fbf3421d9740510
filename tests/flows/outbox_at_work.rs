//! The outbox as a running origin works on it: each queue by itself, started by a wake-up.
//!
//! The clock of these test systems stands still, so that no job is found because time has passed.
//! What is waited for comes at once or not at all; the deadline only ends a test that has failed.

use axum::Router;
use http::{Method, StatusCode};
use onbill_origin::app::Supervisor;
use onbill_origin::app::service::{self, Listeners};
use onbill_origin::store::{LEASE_SECONDS_MAX, Queue};
use onbill_test_harness::crash_point::CrashMoment;
use onbill_test_harness::customer::charge_body;
use onbill_test_harness::{ACME_ACCOUNTS, NETFLIX, NetworkFault, TestSystem};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

const GOOD: &str = "+12025550101";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
/// Shorter than the sleep of a loop without a wake-up.
const DEADLINE: Duration = Duration::from_secs(10);

/// Lets Acme's origin deliver as `serve` does, until the set is dropped.
fn at_work(system: &TestSystem) -> JoinSet<()> {
    let mut working = JoinSet::new();
    working.spawn(Arc::clone(&system.acme.app().worker).run());
    working
}

async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(DEADLINE, waiting).await.expect(what);
}

fn text_messages(system: &TestSystem) -> usize {
    system.network.calls_to(system.acme.dashboard_address, "/csp/notification").len()
}

#[tokio::test]
async fn what_is_put_in_leaves_at_once() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let _working = at_work(&system);
    for sent in 1..=3 {
        let (status, _) = system.enter_number(&system.acme, GOOD).await;
        assert_eq!(status, StatusCode::OK);
        wait_until("the bell wakes the loop", async || text_messages(&system) == sent).await;
    }
}

#[tokio::test]
async fn service_with_failed_task_ends_for_a_restart() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let serve = async |stop: Pin<Box<dyn Future<Output = ()> + Send>>| {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
        let listeners = Listeners { calls: listener, admin: None, console: None };
        let app = Arc::clone(system.acme.app());
        let running = service::run(app, listeners, None, Supervisor::default(), stop);
        tokio::time::timeout(DEADLINE, running).await.expect("ends")
    };
    assert!(serve(Box::pin(std::future::ready(()))).await.is_ok(), "it was asked to end");
    // One of the tasks meets a mistake outside of any call and of any attempt.
    system.acme.origins[0].crash_point.crash_at(1, CrashMoment::Panic);
    assert!(serve(Box::pin(std::future::pending())).await.is_err());
}

/// A charge whose outcome comes late, and the webhook about it, which is under way: the partner hangs.
async fn begin_webhook_that_hangs() -> (TestSystem, String, JoinSet<()>) {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault_for(BILLING, NetworkFault::AnswerLost, 1);
    let (_, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    assert_eq!(answer["status"], "PENDING");
    let hangs = Router::new().fallback(std::future::pending::<StatusCode>);
    system.network.attach_service(NETFLIX, hangs);
    system.advance_seconds(3_600);
    let working = at_work(&system);
    wait_until("the notice is leased", async || is_notice_leased(&system).await).await;
    (system, pai, working)
}

async fn is_notice_leased(system: &TestSystem) -> bool {
    let due = system.acme.app().store.next_due(Queue::PartnerWebhooks).await.expect("works");
    due.is_some_and(|at| at > system.now())
}

/// Another origin on the same database finds nothing to do.
#[tokio::test]
async fn attempt_under_way_is_not_made_twice() {
    let (system, _, _working) = begin_webhook_that_hangs().await;
    system.advance_seconds(LEASE_SECONDS_MAX - 1);
    assert!(is_notice_leased(&system).await);
    system.advance_seconds(1);
    assert!(!is_notice_leased(&system).await, "its origin may have ended");
}

#[tokio::test]
async fn partner_that_hangs_delays_no_other_queue() {
    let (system, pai, _working) = begin_webhook_that_hangs().await;
    let before = text_messages(&system);
    let (status, _) = system.enter_number(&system.acme, GOOD).await;
    assert_eq!(status, StatusCode::OK);
    wait_until("the PIN is sent all the same", async || text_messages(&system) > before).await;
    system.network.inject_fault_for(BILLING, NetworkFault::AnswerLost, 1);
    let post = system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &charge_body(&pai, "c-2", 1599));
    let (_, answer) = system.send_request(post).await;
    assert_eq!(answer["status"], "PENDING");
    system.advance_seconds(3_600);
    system.acme.app().wake_queue();
    wait_until("the charges are settled all the same", async || {
        system.acme.app().store.next_due(Queue::Billing).await.expect("works").is_none()
    })
    .await;
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 2);
}
