//! The edge's store compared with the database: whatever has happened to it, it is right
//! afterwards, and keeps what it knows better.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::app::App;
use onbill_origin::config::Config;
use onbill_origin::delivery::kv_sync::{KvComparison, KvReport, KvSyncError};
use onbill_origin::http::{Peer, Unreachable};
use onbill_origin::store::ClosePaiResult;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, KeyHolder, NetworkFault, TestSystem, keys};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CALL: &str = "/origin/v1/pai-mappings";
/// The edge is asked three times.
const PAUSES: [Duration; 2] = [Duration::ZERO; 2];

/// Acme's PAIs: four customers have signed up, and one of them has left. The edge knows.
async fn sign_up_people() -> (TestSystem, Vec<Pai>) {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let mut pais = Vec::new();
    for (at, number) in ["+12025550101", "+12025550102", "+12025550103", "+12025550107"].iter().enumerate() {
        let email = format!("{at}@example.com");
        system.sign_up(&system.acme, number, AccountChoice::New(&email)).await;
        pais.push(Pai::parse(&system.pai_of(&email).await).expect("is a PAI"));
    }
    close_pai(system.acme.app(), pais[3]).await;
    system.acme.deliver_due().await;
    (system, pais)
}

async fn close_pai(app: &App, pai: Pai) {
    let netflix = PartnerId::parse("netflix").expect("is a slug");
    let end = app.store.close_pai(app.now(), netflix, pai, DeclineReason::PaiRevokedByUser);
    assert_eq!(end.await.expect("works"), ClosePaiResult::Closed);
}

async fn run_comparison(system: &TestSystem, compare_only: bool) -> (KvReport, Result<(), KvSyncError>) {
    let comparison = KvComparison { edge: &system.acme.app().edge, compare_only, pauses: &PAUSES };
    let (mut report, mut seen) = (KvReport::default(), 0);
    let outcome = comparison.run(&mut report, |report| seen = report.compared()).await;
    if outcome.is_ok() {
        assert_eq!(seen, report.compared(), "whoever watches sees all of it");
    }
    (report, outcome)
}

async fn compare_successfully(system: &TestSystem, compare_only: bool) -> KvReport {
    let (report, outcome) = run_comparison(system, compare_only).await;
    outcome.expect("comes to its end");
    report
}

fn kv_entries(system: &TestSystem) -> BTreeMap<String, Value> {
    let read = |(key, value): (String, String)| (key, serde_json::from_str(&value).unwrap_or_default());
    system.edge.kv_entries().into_iter().map(read).collect()
}

fn kv_key(pai: Pai) -> String {
    format!("pai/{pai}")
}

#[tokio::test]
async fn lost_store_is_as_it_was() {
    let (system, pais) = sign_up_people().await;
    let before = kv_entries(&system);
    assert_eq!(before.len(), 4);
    for pai in &pais {
        system.edge.kv_set(&kv_key(*pai), None);
    }
    let report = compare_successfully(&system, true).await;
    assert_eq!((report.same, report.behind, report.findings()), (0, 4, 0));
    assert!(kv_entries(&system).is_empty(), "only compared");
    let report = compare_successfully(&system, false).await;
    assert_eq!((report.same, report.behind, report.findings()), (0, 4, 0));
    assert_eq!(kv_entries(&system), before, "the tombstone too");
    let report = compare_successfully(&system, false).await;
    assert_eq!((report.same, report.behind, report.findings()), (4, 0, 0));
}

#[tokio::test]
async fn newer_store_entry_is_found_and_kept() {
    let (system, pais) = sign_up_people().await;
    let set = |pai: Pai, change: &dyn Fn(&mut Value)| {
        let mut value = kv_entries(&system)[&kv_key(pai)].clone();
        change(&mut value);
        system.edge.kv_set(&kv_key(pai), Some(&value.to_string()));
    };
    set(pais[0], &|value| {
        value["state"] = json!("SUSPENDED");
        value["version"] = json!(0);
    });
    set(pais[1], &|value| {
        value["state"] = json!("CLOSED");
        value["version"] = json!(9);
    });
    set(pais[2], &|value| value["operator"] = json!("nova"));
    let before = kv_entries(&system);
    let report = compare_successfully(&system, false).await;
    assert_eq!((report.same, report.behind), (1, 1));
    assert_eq!((&report.ahead[..], &report.foreign[..]), (&pais[1..2], &pais[2..3]));
    let after = kv_entries(&system);
    assert_eq!(after[&kv_key(pais[0])]["state"], "ACTIVE");
    for untouched in &pais[1..] {
        assert_eq!(after[&kv_key(*untouched)], before[&kv_key(*untouched)]);
    }
}

/// Just before the first call arrives, a PAI is closed; then the edge learns of it, or the call is
/// lost.
struct ClosingPeer {
    pai: Pai,
    is_lost: bool,
    happened: AtomicBool,
    origin: Arc<App>,
}

#[async_trait]
impl Peer for ClosingPeer {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        if !self.happened.swap(true, Ordering::SeqCst) {
            close_pai(&self.origin, self.pai).await;
            if self.is_lost {
                return Err(Unreachable);
            }
            self.origin.worker.deliver_due().await.expect("works");
        }
        self.origin.peer.send(request).await
    }
}

/// The result of a comparison of Acme's, whose calls go through this peer.
async fn compared_by(system: &TestSystem, peer: impl Peer + 'static) -> (KvReport, Result<(), KvSyncError>) {
    let origin = system.acme.app();
    let app = App::new(
        Config::clone(&origin.config),
        keys::keyring(&KeyHolder::Origin("acme")),
        Arc::clone(&origin.store),
        Arc::new(peer),
        Arc::clone(&origin.clock),
        Arc::clone(&origin.random),
    );
    let comparison =
        KvComparison { edge: &app.expect("is sound").edge, compare_only: false, pauses: &PAUSES };
    let mut report = KvReport::default();
    let outcome = comparison.run(&mut report, |_| ()).await;
    (report, outcome)
}

#[tokio::test]
async fn concurrent_change_is_not_a_finding() {
    for (is_lost, mended, calls) in [(false, 0, 2), (true, 1, 1)] {
        let (system, pais) = sign_up_people().await;
        let origin = Arc::clone(system.acme.app());
        let meanwhile = ClosingPeer { pai: pais[0], is_lost, happened: AtomicBool::new(false), origin };
        let (report, outcome) = compared_by(&system, meanwhile).await;
        outcome.expect("comes to its end");
        assert_eq!((report.same, report.behind, report.findings()), (4 - mended, mended, 0));
        assert_eq!(system.network.calls_to(EDGE, CALL).len(), calls, "what has changed is compared again");
        assert_eq!(kv_entries(&system)[&kv_key(pais[0])]["state"], "CLOSED");
    }
}

/// A peer that responds, but not to the request.
struct UnrelatedPeer;

#[async_trait]
impl Peer for UnrelatedPeer {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let answer = json!({"same": 3, "behind": 0, "ahead": [], "foreign": []});
        Ok(Response::new(Bytes::from(answer.to_string())))
    }
}

#[tokio::test]
async fn incomplete_response_counts_as_none() {
    let (system, _) = sign_up_people().await;
    let (report, outcome) = compared_by(&system, UnrelatedPeer).await;
    assert!(matches!(outcome, Err(KvSyncError::Edge(Some(StatusCode::OK)))));
    assert_eq!(report.compared(), 0);
}

#[tokio::test]
async fn silent_edge_is_retried_then_skipped() {
    let (system, pais) = sign_up_people().await;
    system.edge.kv_set(&kv_key(pais[0]), None);
    let address = format!("{EDGE}{CALL}");
    for mishap in
        [NetworkFault::Lost, NetworkFault::Refused, NetworkFault::AnswerLost, NetworkFault::FailsAfter]
    {
        system.network.inject_fault_for(&address, mishap, 2);
        assert_eq!(
            compare_successfully(&system, false).await.compared(),
            4,
            "{mishap:?}: the third answer counts"
        );
    }
    system.network.inject_fault(&address, NetworkFault::Lost);
    let (report, outcome) = run_comparison(&system, false).await;
    assert!(matches!(outcome, Err(KvSyncError::Edge(None))));
    assert_eq!((report.compared(), report.through), (0, None));
    system.network.clear_faults();
    system.network.inject_fault(&address, NetworkFault::Garbled);
    let (_, outcome) = run_comparison(&system, false).await;
    assert!(matches!(outcome, Err(KvSyncError::Edge(Some(StatusCode::OK)))), "this is not the edge's answer");
}
