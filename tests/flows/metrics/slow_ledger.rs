//! A scrape, and readiness, while the database does not answer.

use super::open_metrics::Page;
use super::{ask, ask_json};
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use http::StatusCode;
use onbill_origin::app::App;
use onbill_origin::store::{FaultHook, StoreError};
use onbill_sandbox::PartyDependencies;
use onbill_test_harness::{SequenceRandom, TestSystem, build_app};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// One use case does not come back.
struct Hangs {
    name: &'static str,
    calls: AtomicUsize,
}

#[async_trait]
impl FaultHook for Hangs {
    async fn around(&self, name: &'static str, use_case: BoxFuture<'_, ()>) -> Result<(), StoreError> {
        if name == self.name {
            self.calls.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<()>().await;
        }
        use_case.await;
        Ok(())
    }
}

#[tokio::test]
async fn scrape_answers_with_what_it_has() {
    let system = TestSystem::start();
    let (app, hangs) = app_that_hangs_at(&system, "read_figures");
    let router = app.admin_router();
    // Several at once, as of two Prometheus servers: one read hangs, and no more.
    let scrapes = (0..4).map(|_| ask(&router, "/metrics"));
    let answered =
        tokio::time::timeout(Duration::from_mins(1), futures_util::future::join_all(scrapes)).await;
    for (status, text) in answered.expect("no scrape waits for the database") {
        assert_eq!(status, StatusCode::OK, "{text}");
        let page = Page::read(&text).expect("is well formed");
        assert!(page.value("onbill_ledger_readable", &[]) < 0.5);
        assert!(page.family("onbill_queue_entries").is_none(), "old figures would look true");
        assert!(page.family("onbill_charges").is_some() && page.family("process_cpu_seconds").is_some());
    }
    assert_eq!(hangs.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn write_that_hangs_is_no_write() {
    let system = TestSystem::start();
    let (app, hangs) = app_that_hangs_at(&system, "write_origin");
    app.readiness.check().await;
    assert_eq!(hangs.calls.load(Ordering::SeqCst), 1);
    let (_, body) = ask_json(&app.admin_router(), "/readyz").await;
    assert_eq!(body["reasons"][0], "database-not-writable", "{body}");
}

/// A program of Acme's on the same ledger, for which this use case hangs.
fn app_that_hangs_at(system: &TestSystem, name: &'static str) -> (Arc<App>, Arc<Hangs>) {
    let (app, hangs) = (system.acme.app(), Arc::new(Hangs { name, calls: AtomicUsize::new(0) }));
    let store = Arc::new(app.store.with_faults(Arc::clone(&hangs) as _));
    let outside = PartyDependencies {
        clock: Arc::clone(&app.clock),
        random: SequenceRandom::new("slow"),
        http: Arc::clone(&app.peer),
    };
    (build_app("acme", app.config.as_ref().clone(), store, &outside), hangs)
}
