//! An upgrade and its take-back: origins of two releases serve one database at once, under load, and
//! no call fails.
//!
//! `cargo xtask upgrade --from REF` names the program of the previous release in
//! `ONBILL_PREVIOUS_ORIGIN`. Without it both are the program of this tree, and this process migrates
//! the database as the release after this one would: with the store's own code, and with a migration
//! that no program has.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{LIGHT_CALLERS, LoadingPartner};
use crate::turn::TURN;
use http::StatusCode;
use onbill_origin::store::{MIGRATIONS, Migration};
use onbill_test_harness::environment::read_variable;
use onbill_test_harness::origin_process::{OriginProcess, find_program};
use onbill_test_harness::wait::wait_until_none;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// Charges that are created in each step: several for each caller. The load of each origin is light,
/// as a file takes one writer at a time, and has to serve two origins at once.
const CREATED: u64 = 4 * LIGHT_CALLERS;

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_is_upgraded_and_taken_back_under_load() {
    upgrade_and_take_back(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_is_upgraded_and_taken_back_under_load() {
    upgrade_and_take_back(DbKind::Postgres).await;
}

async fn upgrade_and_take_back(kind: DbKind) {
    let _turn = TURN.lock().await;
    let released = read_variable("ONBILL_PREVIOUS_ORIGIN").map(PathBuf::from);
    let (previous, next) = (released.clone().unwrap_or_else(find_program), find_program());
    let system = Arc::new(CrashSystem::begun_by(&previous, kind).await);
    let partner = LoadingPartner::default();

    let old = system.start_program(&previous).await;
    let mut on_old = partner.begin_light_load(&system, &old, 1);
    partner.until_created(CREATED).await;
    if released.is_none() {
        let migrations = next_release(&system, MIGRATIONS.len()).await;
        system.db.migrate(&migrations).await.expect("the next release migrates");
        partner.until_created(CREATED).await;
    }

    let new = system.start_program(&next).await;
    let mut on_new = partner.begin_light_load(&system, &new, 2);
    partner.until_created(CREATED).await;
    on_old.end_load().await;
    end_regularly(old).await;
    partner.until_created(CREATED).await;

    let old = system.start_program(&previous).await;
    let mut on_old = partner.begin_light_load(&system, &old, 3);
    partner.until_created(CREATED).await;
    on_new.end_load().await;
    end_regularly(new).await;
    partner.until_created(CREATED).await;
    on_old.end_load().await;
    end_regularly(old).await;

    let tally = partner.lock_record().tally.clone();
    println!("{kind:?}: upgraded from {} and taken back; {tally:?}", previous.display());
    tally.assert_served();
    audit_ledger(&system, &partner).await;
}

async fn end_regularly(mut origin: OriginProcess) {
    origin.terminate();
    assert_eq!(origin.wait_for_end().await, Some(0), "SIGTERM is the regular end");
}

/// The migrations of a release after this one: the last of them adds a column to every table.
async fn next_release(system: &CrashSystem, served_from: usize) -> Vec<Migration> {
    let tables = system.db.list_tables().await;
    assert!(tables.len() > 20, "{tables:?}");
    let statements = tables.iter().fold(String::new(), |sql, table| {
        sql + &format!("ALTER TABLE {table} ADD COLUMN next_release TEXT;\n")
    });
    let mut migrations = MIGRATIONS.to_vec();
    migrations.push(Migration {
        sqlite: statements.clone().into(),
        postgres: statements.into(),
        served_from,
    });
    migrations
}

#[tokio::test(flavor = "multi_thread")]
async fn sqlite_that_only_newer_releases_serve_is_refused() {
    newer_database_is_refused(DbKind::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_that_only_newer_releases_serve_is_refused() {
    newer_database_is_refused(DbKind::Postgres).await;
}

async fn newer_database_is_refused(kind: DbKind) {
    let _turn = TURN.lock().await;
    let system = CrashSystem::new(kind).await;
    let mut origin = system.start_origin().await;
    let (known, schema) = (MIGRATIONS.len(), MIGRATIONS.len() + 1);
    let migrations = next_release(&system, schema).await;
    system.db.migrate(&migrations).await.expect("the next release migrates");
    system.db.name_migrating_onbill("99.0.0").await;

    wait_until_none(async || origin.is_healthy().await.then_some("the origin says that it is ready")).await;
    assert!(origin.is_alive(), "whoever watches it finds out why");
    let person = &system.people[0];
    let charge = json!({"extTransactionID": "late", "pai": person.pai, "description": "Netflix Standard",
                        "amount": {"value": 1599, "currency": "USD"},
                        "servicePeriod": {"from": "2026-12-01", "to": "2026-12-31"}});
    let (at, path) = (&origin.address, "/ott/v1/transaction");
    let answer = system.caller.forward_partner_call(at, path, &person.handle, &charge).await;
    assert_eq!(answer.map(|(status, _)| status), Ok(StatusCode::SERVICE_UNAVAILABLE));
    assert!(system.db.read_charges().await.is_empty(), "the newer onbill may misread it");
    origin.kill();
    for verb in [&["serve"][..], &["outbox", "list"]] {
        let run = system.command_line().args(verb).output().expect("the program starts");
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(2), "{verb:?}: {said}");
        let versions = format!("schema {schema} of onbill 99.0.0, and onbill {}", env!("CARGO_PKG_VERSION"));
        for words in [versions.as_str(), &format!("which knows schema {known}"), "docs/operate/upgrade.md"] {
            assert!(said.contains(words), "{verb:?} does not say {words:?}: {said}");
        }
    }
}
