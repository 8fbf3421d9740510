//! Alarms about the database, the disk, the keys and the program itself.

use super::shown::Shown;
use axum::body::Body;
use http::{Request, StatusCode};
use onbill_domain::key::Keyring;
use onbill_origin::app::service::{self, Listeners};
use onbill_origin::app::{App, Supervisor};
use onbill_origin::config::{Config, Database};
use onbill_origin::instruments::Alarm;
use onbill_test_harness::crash_point::CrashMoment;
use onbill_test_harness::database::TestDb;
use onbill_test_harness::{ACME_ACCOUNTS, KeyHolder, TestSystem, keys};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::TcpListener;
use tower::ServiceExt as _;

pub(super) fn database_file(shown: &Shown) -> PathBuf {
    match &shown.system.acme.db {
        TestDb::Sqlite(path) => path.clone(),
        TestDb::Postgres { .. } => unreachable!("is a file"),
    }
}

/// Moves the database away; what comes back puts it back again.
fn move_away(shown: &mut Shown) -> impl FnOnce(&mut Shown) + use<> {
    let file = database_file(shown);
    let elsewhere = file.with_extension("elsewhere");
    fs::rename(&file, &elsewhere).expect("can be moved");
    shown.is_table_away = true;
    move |shown| {
        fs::rename(elsewhere, file).expect("can be moved");
        shown.is_table_away = false;
    }
}

pub(super) async fn taken_port() -> Shown {
    let mut shown = Shown::begin(Alarm::AdminPortTaken, TestSystem::start());
    shown.expect_quiet().await;
    shown.app().alarm_watch.note_admin_port_taken();
    shown.expect_raised("").await;
    // The next start finds the port free.
    shown.system.restart_acme(|_| true).await;
    shown.make_round().await;
    shown.expect_over().await;
    shown
}

pub(super) async fn failing_database() -> Shown {
    let mut shown = Shown::begin(Alarm::DatabaseFailing, TestSystem::start());
    shown.expect_quiet().await;
    let put_back = move_away(&mut shown);
    for _ in 0..3 {
        shown.expect_quiet().await;
        shown.system.advance_seconds(10);
    }
    shown.expect_raised("").await;
    put_back(&mut shown);
    shown.make_round().await;
    shown.system.advance_seconds(30);
    shown.expect_over().await;
    shown
}

/// The alarm about the database works without it: in memory, and at the webhook.
pub(super) async fn lost_database() -> Shown {
    let mut shown = Shown::begin(Alarm::DatabaseNotWritable, TestSystem::start());
    let app = shown.app();
    app.readiness.check().await;
    shown.expect_quiet().await;
    let put_back = move_away(&mut shown);
    app.readiness.check().await;
    shown.expect_raised("").await;
    put_back(&mut shown);
    // Now the table learns of it.
    shown.expect_raised("").await;
    app.readiness.check().await;
    shown.expect_over().await;
    shown
}

pub(super) async fn little_space() -> Shown {
    let mut shown = Shown::begin(Alarm::DiskLow, TestSystem::start());
    let file = database_file(&shown);
    let restart_with = |shown: &mut Shown, free_mib| {
        shown.system.reconfigure_acme(|config| {
            config.database = Database::Sqlite(file.clone());
            (config.alarms.disk_free_percent, config.alarms.disk_free_mib) = (0, free_mib);
        });
    };
    restart_with(&mut shown, 0);
    shown.expect_quiet().await;
    // No machine of a test has four pebibytes.
    restart_with(&mut shown, u32::MAX);
    shown.expect_raised("database").await;
    restart_with(&mut shown, 0);
    shown.expect_over().await;
    shown
}

/// Acme's ring, in which one key has an expiry.
fn ring_with_expiry(expires_at: &str) -> Keyring {
    let ring = keys::keyring_json(&KeyHolder::Origin("acme"));
    let mut ring: Vec<Value> = serde_json::from_str(&ring).expect("is a ring");
    let key = ring.iter_mut().find(|key| key["use"] == "signup-token").expect("is there");
    key["expiresAt"] = json!(expires_at);
    Keyring::parse(&json!(ring).to_string()).expect("is well formed")
}

pub(super) async fn expiring_key() -> Shown {
    let mut shown = Shown::begin(Alarm::KeyExpiring, TestSystem::start());
    let restart_with = |shown: &mut Shown, keys| {
        let app = shown.system.acme.app();
        let (store, peer) = (Arc::clone(&app.store), Arc::clone(&app.peer));
        let (clock, random) = (Arc::clone(&app.clock), Arc::clone(&app.random));
        let app = App::new(Config::clone(&app.config), keys, store, peer, clock, random);
        shown.app = Some(Arc::new(app.expect("is sound")));
    };
    let days = |days: i64| shown.system.now().plus_seconds(86_400 * days).to_string();
    let (far, near) = (days(31), days(29));
    restart_with(&mut shown, ring_with_expiry(&far));
    shown.expect_quiet().await;
    restart_with(&mut shown, ring_with_expiry(&near));
    shown.expect_raised("*").await;
    restart_with(&mut shown, keys::keyring(&KeyHolder::Origin("acme")));
    // Once to learn of it from the table, and once to see that it is over.
    shown.make_round().await;
    shown.system.advance_seconds(60);
    shown.expect_over().await;
    shown
}

pub(super) async fn recovery() -> Shown {
    let mut shown = Shown::begin(Alarm::Recovering, TestSystem::start());
    shown.expect_quiet().await;
    shown.system.restart_acme_recovering().await;
    shown.expect_raised("").await;
    shown.system.restart_acme(|_| true).await;
    shown.expect_over().await;
    shown
}

pub(super) async fn ended_task() -> Shown {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let mut shown = Shown::begin(Alarm::ServiceEnded, system);
    // One of the tasks meets a mistake outside of any call and of any attempt.
    shown.system.acme.origins[0].crash_point.crash_at(1, CrashMoment::Panic);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there are ports");
    let listeners = Listeners { calls: listener, admin: None, console: None };
    let served =
        service::run(shown.app(), listeners, None, Supervisor::default(), std::future::pending()).await;
    assert!(served.is_err());
    // The program that the supervisor starts finds it in the table.
    shown.system.restart_acme(|_| true).await;
    shown.expect_raised("").await;
    shown.close().await;
    shown
}

pub(super) async fn panicking_call() -> Shown {
    let mut shown = Shown::begin(Alarm::Panicked, TestSystem::start());
    shown.expect_quiet().await;
    shown.system.acme.origins[0].crash_point.crash_at(1, CrashMoment::Panic);
    let request = Request::get("/healthz").body(Body::empty()).expect("is a request");
    let response = shown.app().router().oneshot(request).await.expect("is infallible");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    shown.expect_raised("call").await;
    shown.close().await;
    shown
}
