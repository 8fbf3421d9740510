//! A backup that was taken under load is put back after a kill. The origin notices by itself, what
//! was lost is adopted, and no charge is billed twice or forgotten.

use crate::audit::audit_ledger;
use crate::crash_system::{CrashSystem, DbKind};
use crate::load::{CONNECTIONS, LoadingPartner, PostKind, StoredResponses, ext_charge_id, refund_id};
use crate::turn::TURN;
use axum::routing::post;
use axum::{Json, Router};
use http::StatusCode;
use onbill_domain::day::Day;
use onbill_origin::ambient::{Clock as _, SystemClock};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Responses before the backup, and after it: some for each caller.
const ANSWERS: u64 = 6 * CONNECTIONS;

#[tokio::test(flavor = "multi_thread")]
async fn restored_backup_doubles_and_forgets_no_line() {
    let _turn = TURN.lock().await;
    let (system, partner) = (Arc::new(CrashSystem::new(DbKind::Sqlite).await), LoadingPartner::default());
    let copy = system.folder().join("backup.sqlite");
    let origin = system.start_origin().await;
    let mut callers = partner.begin_load(&system, &origin, 1);
    partner.until_answers(ANSWERS).await;
    back_up(&system, &copy);
    partner.until_answers(ANSWERS).await;
    origin.kill();
    callers.end_load().await;
    let told = told_ids(&partner);
    let lost = told.len();
    system.db.put_back(&copy);
    let recorded = system.db.read_charges().await.len();
    assert!(recorded < lost, "the backup has {recorded} of {lost} charges: nothing was lost");

    // Nobody has told it that this is a copy.
    let origin = system.start_origin().await;
    let refused = partner.post_once(&system, &origin.address, 0, PostKind::Charge).await;
    assert_eq!(refused, Ok(StatusCode::SERVICE_UNAVAILABLE));
    origin.kill();

    let edge = open_edge().await;
    let adopted = reconcile(&system, &partner, &edge).await;
    let report = text(&adopted);
    assert!(adopted.status.code().is_some_and(|code| code < 2) && report.contains("adopted"), "{report}");
    assert!(!report.contains("unchanged: charge"), "{report}");
    let ended = system.command_line().arg("recovered").output().expect("the program starts");
    assert!(ended.status.success(), "{}", text(&ended));

    forget_answers(&partner);
    audit_ledger(&system, &partner).await;
    for charge in system.db.read_charges().await {
        if let Some(before) = told.get(&charge.ext_transaction_id) {
            assert_eq!(*before, charge.transaction_id, "{} has another id", charge.ext_transaction_id);
        }
    }
}

/// While the origin serves. The file is its owner's, and no run replaces it.
fn back_up(system: &CrashSystem, copy: &Path) {
    let run = || system.command_line().arg("backup").arg(copy).output().expect("the program starts");
    let first = run();
    assert!(first.status.success(), "{}", text(&first));
    let metadata = std::fs::metadata(copy).expect("is there");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
    let (again, before) = (run(), std::fs::read(copy).expect("can be read"));
    assert_eq!(again.status.code(), Some(2), "{}", text(&again));
    assert!(text(&again).contains("is there already"), "{}", text(&again));
    assert_eq!(std::fs::read(copy).expect("can be read"), before);
    assert!(!copy.with_extension("sqlite.unfinished").exists());
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr[..]].concat()).into_owned()
}

/// The origin's ids of charges, as the partner has been told them.
fn told_ids(partner: &LoadingPartner) -> BTreeMap<String, String> {
    let memory = partner.lock_record();
    let told = memory.asked.iter().enumerate().filter_map(|(n, asked)| {
        let answer: Value = serde_json::from_slice(asked.charge.answers.first()?).expect("is JSON");
        Some((ext_charge_id(n), answer["transactionID"].as_str().expect("has an id").to_owned()))
    });
    told.collect()
}

/// The edge, as far as an adoption needs it: it has of each PAI what the origin has.
async fn open_edge() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("there is a free port");
    let url = format!("http://{}", listener.local_addr().expect("is bound"));
    let same = async |Json(call): Json<Value>| {
        let count = call["mappings"].as_array().map_or(0, Vec::len);
        Json(json!({"same": count, "behind": 0, "ahead": [], "foreign": []}))
    };
    let router = Router::new().route("/origin/v1/pai-mappings", post(same));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// Runs `reconcile --adopt` with what the partner remembers, and what is on the bills.
async fn reconcile(system: &CrashSystem, partner: &LoadingPartner, edge: &str) -> Output {
    let statement = system.write_file("statement.csv", &statement(system, partner));
    let billing = system.write_file("billing.csv", &extract(system).await);
    let today = Day::of_timestamp(SystemClock.now());
    system
        .command_line_with_edge(edge)
        .args(["reconcile", "--adopt", "--partner", "netflix"])
        .args(["--from", &today.minus_days(1).to_string(), "--to", &today.to_string()])
        .arg("--statement")
        .arg(statement)
        .arg("--billing")
        .arg(billing)
        .output()
        .expect("the program starts")
}

fn statement(system: &CrashSystem, partner: &LoadingPartner) -> String {
    let mut file =
        "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status,description,period_from,\
         period_to,reason\n"
            .to_owned();
    let state = |said: &StoredResponses| {
        let answer = said.answers.first().and_then(|answer| serde_json::from_slice::<Value>(answer).ok());
        answer.and_then(|answer| answer["status"].as_str().map(str::to_owned)).unwrap_or("PENDING".to_owned())
    };
    for (n, asked) in partner.lock_record().asked.iter().enumerate() {
        let (pai, days) = (&system.people[asked.person].pai, "Netflix Standard,2026-12-01,2026-12-31");
        let (id, value, status) = (ext_charge_id(n), asked.value, state(&asked.charge));
        writeln!(file, "charge,{id},,{pai},{value},USD,{status},{days},").expect("text takes text");
        if let Some(refund) = &asked.refund {
            let (value, status) = (asked.half_value(), state(refund));
            writeln!(file, "refund,{id},{},,{value},USD,{status},,,,Left early", refund_id(n))
                .expect("text takes text");
        }
    }
    file
}

async fn extract(system: &CrashSystem) -> String {
    let mut file = "kind,transactionID,refundID,amount_minor,currency\n".to_owned();
    let numbers = system.people.iter().map(|person| person.msisdn.as_str());
    for line in system.billing.read_bill_lines(numbers).await {
        let kind = if line.refund_id.is_some() { "refund" } else { "charge" };
        let (charge, refund) = (line.transaction_id, line.refund_id.unwrap_or_default());
        writeln!(file, "{kind},{charge},{refund},{},USD", line.value.abs()).expect("text takes text");
    }
    file
}

/// What was answered before the restore is not what is answered now: a charge that was pending may
/// be approved, and one that was declined is decided again.
fn forget_answers(partner: &LoadingPartner) {
    for asked in &mut partner.lock_record().asked {
        asked.charge = StoredResponses::default();
        asked.refund = asked.refund.as_ref().map(|_| StoredResponses::default());
    }
}
