//! The edge's store beside the books: whatever has become of it, it is right afterwards, and what it knows better stays.

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::app::App;
use onbill_origin::config::Config;
use onbill_origin::delivery::kv_sync::{Comparison, Report, Stopped};
use onbill_origin::http::{Peer, Unreachable};
use onbill_origin::store::ClosePaiResult;
use onbill_test_harness::customer::Choice;
use onbill_test_harness::{ACCOUNTS, EDGE, Holder, Mishap, World, keys};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CALL: &str = "/origin/v1/pai-mappings";
/// The edge is asked three times.
const PAUSES: [Duration; 2] = [Duration::ZERO; 2];

/// Acme's PAIs: four people have signed up, and one of them has left. The edge knows.
async fn people() -> (World, Vec<Pai>) {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    let mut pais = Vec::new();
    for (at, number) in ["+12025550101", "+12025550102", "+12025550103", "+12025550107"].iter().enumerate() {
        let email = format!("{at}@example.com");
        world.sign_up(&world.acme, number, Choice::New(&email)).await;
        pais.push(Pai::parse(&world.pai_of(&email).await).expect("is a PAI"));
    }
    close(world.acme.app(), pais[3]).await;
    world.acme.deliver().await;
    (world, pais)
}

async fn close(app: &App, pai: Pai) {
    let netflix = PartnerId::parse("netflix").expect("is a slug");
    let end = app.store.close_pai(app.now(), netflix, pai, DeclineReason::PaiRevokedByUser);
    assert_eq!(end.await.expect("works"), ClosePaiResult::Closed);
}

async fn compare(world: &World, compare_only: bool) -> (Report, Result<(), Stopped>) {
    let comparison = Comparison { edge: &world.acme.app().edge, compare_only, pauses: &PAUSES };
    let (mut report, mut seen) = (Report::default(), 0);
    let outcome = comparison.run(&mut report, |report| seen = report.compared()).await;
    if outcome.is_ok() {
        assert_eq!(seen, report.compared(), "whoever watches sees all of it");
    }
    (report, outcome)
}

async fn compared(world: &World, compare_only: bool) -> Report {
    let (report, outcome) = compare(world, compare_only).await;
    outcome.expect("comes to its end");
    report
}

fn store(world: &World) -> BTreeMap<String, Value> {
    let read = |(key, value): (String, String)| (key, serde_json::from_str(&value).unwrap_or_default());
    world.edge.kv_entries().into_iter().map(read).collect()
}

fn key(pai: Pai) -> String {
    format!("pai/{pai}")
}

#[tokio::test]
async fn a_lost_store_is_as_it_was() {
    let (world, pais) = people().await;
    let before = store(&world);
    assert_eq!(before.len(), 4);
    for pai in &pais {
        world.edge.kv_set(&key(*pai), None);
    }
    let report = compared(&world, true).await;
    assert_eq!((report.same, report.behind, report.findings()), (0, 4, 0));
    assert!(store(&world).is_empty(), "only compared");
    let report = compared(&world, false).await;
    assert_eq!((report.same, report.behind, report.findings()), (0, 4, 0));
    assert_eq!(store(&world), before, "the tombstone too");
    let report = compared(&world, false).await;
    assert_eq!((report.same, report.behind, report.findings()), (4, 0, 0));
}

#[tokio::test]
async fn what_the_store_knows_better_is_found_and_stays() {
    let (world, pais) = people().await;
    let set = |pai: Pai, change: &dyn Fn(&mut Value)| {
        let mut value = store(&world)[&key(pai)].clone();
        change(&mut value);
        world.edge.kv_set(&key(pai), Some(&value.to_string()));
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
    let before = store(&world);
    let report = compared(&world, false).await;
    assert_eq!((report.same, report.behind), (1, 1));
    assert_eq!((&report.ahead[..], &report.foreign[..]), (&pais[1..2], &pais[2..3]));
    let after = store(&world);
    assert_eq!(after[&key(pais[0])]["state"], "ACTIVE");
    for untouched in &pais[1..] {
        assert_eq!(after[&key(*untouched)], before[&key(*untouched)]);
    }
}

/// Just before the first call arrives, a PAI is closed; then the edge hears of it, or the call is lost.
struct Meanwhile {
    pai: Pai,
    is_lost: bool,
    happened: AtomicBool,
    origin: Arc<App>,
}

#[async_trait]
impl Peer for Meanwhile {
    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        if !self.happened.swap(true, Ordering::SeqCst) {
            close(&self.origin, self.pai).await;
            if self.is_lost {
                return Err(Unreachable);
            }
            self.origin.worker.deliver_due().await.expect("works");
        }
        self.origin.peer.send(request).await
    }
}

/// What comes of a comparison of Acme's, whose calls go by this peer.
async fn compared_by(world: &World, peer: impl Peer + 'static) -> (Report, Result<(), Stopped>) {
    let origin = world.acme.app();
    let app = App::new(
        Config::clone(&origin.config),
        keys::ring(&Holder::Origin("acme")),
        Arc::clone(&origin.store),
        Arc::new(peer),
        Arc::clone(&origin.clock),
        Arc::clone(&origin.random),
    );
    let comparison = Comparison { edge: &app.expect("is sound").edge, compare_only: false, pauses: &PAUSES };
    let mut report = Report::default();
    let outcome = comparison.run(&mut report, |_| ()).await;
    (report, outcome)
}

#[tokio::test]
async fn a_change_of_this_very_moment_is_no_finding() {
    for (is_lost, mended, calls) in [(false, 0, 2), (true, 1, 1)] {
        let (world, pais) = people().await;
        let origin = Arc::clone(world.acme.app());
        let meanwhile = Meanwhile { pai: pais[0], is_lost, happened: AtomicBool::new(false), origin };
        let (report, outcome) = compared_by(&world, meanwhile).await;
        outcome.expect("comes to its end");
        assert_eq!((report.same, report.behind, report.findings()), (4 - mended, mended, 0));
        assert_eq!(world.network.crossed(EDGE, CALL).len(), calls, "what has changed is compared again");
        assert_eq!(store(&world)[&key(pais[0])]["state"], "CLOSED");
    }
}

/// Somebody who answers, but not to what was asked.
struct Elsewhere;

#[async_trait]
impl Peer for Elsewhere {
    async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        let answer = json!({"same": 3, "behind": 0, "ahead": [], "foreign": []});
        Ok(Response::new(Bytes::from(answer.to_string())))
    }
}

#[tokio::test]
async fn an_answer_that_leaves_somebody_out_is_none() {
    let (world, _) = people().await;
    let (report, outcome) = compared_by(&world, Elsewhere).await;
    assert!(matches!(outcome, Err(Stopped::Edge(Some(StatusCode::OK)))));
    assert_eq!(report.compared(), 0);
}

#[tokio::test]
async fn an_edge_that_does_not_answer_is_asked_again_and_then_left() {
    let (world, pais) = people().await;
    world.edge.kv_set(&key(pais[0]), None);
    let address = format!("{EDGE}{CALL}");
    for mishap in [Mishap::Lost, Mishap::Refused, Mishap::AnswerLost, Mishap::FailsAfter] {
        world.network.disturb_next(&address, mishap, 2);
        assert_eq!(compared(&world, false).await.compared(), 4, "{mishap:?}: the third answer counts");
    }
    world.network.disturb(&address, Mishap::Lost);
    let (report, outcome) = compare(&world, false).await;
    assert!(matches!(outcome, Err(Stopped::Edge(None))));
    assert_eq!((report.compared(), report.through), (0, None));
    world.network.mend();
    world.network.disturb(&address, Mishap::Garbled);
    let (_, outcome) = compare(&world, false).await;
    assert!(matches!(outcome, Err(Stopped::Edge(Some(StatusCode::OK)))), "this is not the edge's answer");
}
