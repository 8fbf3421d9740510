//! The fields of the log are those that `docs/operate/logs.md` lists: in the sources of edge and
//! origin, and in the lines of real journeys.

use http::{Method, StatusCode};
use onbill_domain::timestamp::Timestamp;
use onbill_origin::telemetry::Telemetry;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{ACME_ACCOUNTS, NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const GOOD: &str = "+12025550101";
const POOR: &str = "+12025550104";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
/// On every line.
const ALWAYS: [&str; 5] = ["time", "level", "version", "service", "message"];
/// What the layer adds that writes the origin's lines.
const OF_THE_LAYER: [&str; 8] =
    ["time", "level", "version", "service", "message", "operator", "target", "cut"];
/// What only exported spans have.
const ONLY_EXPORTED: [&str; 2] = ["parent_span_id", "sampled"];

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("is in the repository").to_owned()
}

/// A row of the table.
struct Documented {
    kind: String,
    place: String,
}

/// The table of fields, by name.
fn read_table() -> BTreeMap<String, Documented> {
    let text = fs::read_to_string(repository().join("docs/operate/logs.md")).expect("can be read");
    let table = text.split("\n## ").find(|section| section.starts_with("Fields\n")).expect("is there");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `")).filter_map(|row| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let [name, kind, place, _] = cells[..] else { return None };
        let documented = Documented { kind: kind.to_owned(), place: place.to_owned() };
        Some((name.trim_end_matches('`').to_owned(), documented))
    });
    rows.collect()
}

/// The names of the table that a service has.
fn names_of(table: &BTreeMap<String, Documented>, service: &str) -> BTreeSet<String> {
    let rows = table.iter().filter(|(_, row)| row.place == "both" || row.place == service);
    rows.map(|(name, _)| name.clone()).collect()
}

/// The contents of all Rust sources below a folder, without their unit tests.
fn read_sources(folder: &Path, sources: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("can be listed") {
        let path = entry.expect("can be listed").path();
        let is_test = path.file_stem().is_some_and(|name| name == "tests");
        if path.is_dir() && !is_test {
            read_sources(&path, sources);
        } else if path.extension().is_some_and(|kind| kind == "rs") && !is_test {
            let source = fs::read_to_string(&path).expect("can be read");
            sources.push(source.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned());
        }
    }
}

/// The arguments of a macro, up to the bracket that ends it.
fn split_arguments(text: &str) -> Vec<String> {
    let (mut arguments, mut argument) = (Vec::new(), String::new());
    let (mut depth, mut in_text, mut is_escaped) = (0, false, false);
    for letter in text.chars() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if in_text => is_escaped = true,
            '"' => in_text = !in_text,
            _ if in_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth == 0 => break,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                arguments.push(std::mem::take(&mut argument));
                continue;
            }
            _ => {}
        }
        argument.push(letter);
    }
    arguments.push(argument);
    arguments
}

/// The macros that log, each with the number of arguments before its fields.
const LOGGING: [(&str, usize); 6] = [
    ("tracing::error!(", 0),
    ("tracing::warn!(", 0),
    ("tracing::info!(", 0),
    ("tracing::debug!(", 0),
    ("tracing::info_span!(", 0),
    ("raise_alarm!(", 3),
];

/// The names of the fields of an event or a span: `name = value`, `%name`, `?name` or `name`. The
/// macro of alarms hands what it is given (`$`) on to one of the others.
fn find_fields(source: &str, fields: &mut BTreeSet<String>) {
    for (call, others) in LOGGING {
        for text in source.split(call).skip(1) {
            for argument in split_arguments(text).into_iter().skip(others) {
                let name = argument.split('=').next().unwrap_or_default().trim();
                let is_other = ["\"", "parent:", "$"].iter().any(|start| name.starts_with(*start));
                if !(name.is_empty() || is_other) {
                    fields.insert(name.trim_start_matches(['%', '?']).to_owned());
                }
            }
        }
    }
}

#[test]
fn sources_have_the_fields_of_the_table() {
    let table = read_table();
    assert!(table.len() > 40, "the table was not read: {:?}", table.keys());
    let (mut sources, mut found) = (Vec::new(), BTreeSet::new());
    read_sources(&repository().join("origin/src"), &mut sources);
    for source in &sources {
        find_fields(source, &mut found);
    }
    found.extend(OF_THE_LAYER.map(str::to_owned));
    found.retain(|name| !ONLY_EXPORTED.contains(&name.as_str()));
    assert_eq!(found, names_of(&table, "origin"));

    let mut sources = Vec::new();
    read_sources(&repository().join("worker/src"), &mut sources);
    let added = ["line.add(\"", "line.add_some(\""].map(|call| {
        let lines = sources.iter().flat_map(move |source| source.split(call).skip(1));
        lines.filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect::<Vec<_>>()
    });
    let found: BTreeSet<String> = added.concat().into_iter().collect();
    assert_eq!(found, names_of(&table, "edge"));
}

/// Checks a line, and returns it.
fn check_line(table: &BTreeMap<String, Documented>, service: &str, text: &str) -> Value {
    assert!(text.len() < 16 * 1024, "{text}");
    let line: Value = serde_json::from_str(text).expect(text);
    for name in ALWAYS {
        assert!(line.get(name).is_some(), "{name} of {text}");
    }
    assert_eq!(line["service"], service);
    for (name, value) in line.as_object().expect("is an object") {
        let row = table.get(name).unwrap_or_else(|| panic!("{name} is not in the table: {text}"));
        assert!(row.place == "both" || row.place == service, "{name} is not of the {service}: {text}");
        let fits = match row.kind.as_str() {
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            other => panic!("{other} is no type"),
        };
        assert!(fits, "{name} is no {}: {text}", row.kind);
    }
    let time = line["time"].as_str().expect("is text");
    assert!(time.len() == 24 && Timestamp::parse(time).is_some(), "{time}");
    line
}

async fn post_charge(system: &TestSystem, pai: &str, id: &str) -> Value {
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await.1["status"].clone()
}

/// Journeys with each outcome of a call and of a job.
async fn make_journeys(system: &TestSystem) {
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let (status, _) = system.enter_session_number(&system.acme, POOR).await;
    assert!(status.is_client_error());
    let pai = system.pai_of("ann@example.com").await;
    assert_eq!(post_charge(system, &pai, "c-1").await, "APPROVED");
    assert_eq!(post_charge(system, &pai, "c-1").await, "APPROVED", "the replay");
    let refund =
        json!({"extRefundID": "r-1", "amount": {"value": 100, "currency": "USD"}, "reason": "Sorry"});
    let (status, _) = system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
    assert_eq!(status, StatusCode::CREATED);
    // Settled by a job, and reported by another, which has to try twice.
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    assert_eq!(post_charge(system, &pai, "c-2").await, "PENDING");
    system.network.clear_faults();
    system.network.inject_fault(&format!("{NETFLIX}/transaction-state"), NetworkFault::Lost);
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    system.network.clear_faults();
    system.advance_seconds(3_600);
    system.acme.deliver_due().await;
    // A charge that is declined, calls that nobody has signed, and an origin out of reach.
    let event = json!({"eventID": "e-1", "type": "suspended", "msisdn": GOOD, "occurredAt": system.now().to_string()});
    assert_eq!(system.call_acme_origin("/account-events", &event).await.0, StatusCode::OK);
    assert_eq!(post_charge(system, &pai, "c-3").await, "DECLINED");
    let unsigned =
        TestSystem::unsigned_request(&Method::POST, "/ott/v1/transaction", &charge_body(&pai, "c-4", 1599));
    assert_eq!(system.send_request(unsigned).await.0, StatusCode::UNAUTHORIZED);
    let mut odd = system.sign_as_acme_systems("/account-events", &event);
    odd.headers_mut().insert("x-correlator", "not one".parse().expect("is a value"));
    assert_eq!(system.send_request(odd).await.0, StatusCode::BAD_REQUEST);
    system.network.inject_fault(system.acme.origin_address, NetworkFault::Lost);
    let lost = system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &charge_body(&pai, "c-5", 1599));
    assert_eq!(system.send_request(lost).await.0, StatusCode::SERVICE_UNAVAILABLE);
    system.network.clear_faults();
}

/// Whether a line has all of these members.
fn has(line: &Value, members: &Value) -> bool {
    members.as_object().expect("is an object").iter().all(|(name, value)| line[name] == *value)
}

#[tokio::test]
async fn lines_of_journeys_have_the_fields_of_the_table() {
    let (table, telemetry, system) = (read_table(), Telemetry::default(), TestSystem::start());
    telemetry.name_operator(&system.acme.app().config.operator);
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let (log, _guard) = LogCapture::capture_lines(&telemetry);
    make_journeys(&system).await;
    let text = log.to_text();
    // The simulated parties log too: they are other programs.
    let ours = text.lines().filter(|line| !line.contains("\"target\":\"onbill_sandbox"));
    let origin: Vec<Value> = ours.map(|line| check_line(&table, "origin", line)).collect();
    let edge = system.edge.log_lines();
    let edge: Vec<Value> = edge.iter().map(|line| check_line(&table, "edge", line)).collect();

    let charge = json!({"route": "/ott/v1/transaction", "method": "POST", "partner": "netflix",
        "operator": "acme"});
    let of_charge = |members: Value| {
        let mut all = charge.clone();
        all.as_object_mut().expect("is an object").extend(members.as_object().expect("is an object").clone());
        all
    };
    for expected in [
        of_charge(json!({"status": 201, "outcome": "approved"})),
        of_charge(json!({"status": 200, "outcome": "approved"})),
        of_charge(json!({"status": 201, "outcome": "pending"})),
        of_charge(json!({"status": 201, "outcome": "declined", "reason": "account-on-hold"})),
        json!({"route": "/operator/v1/account-events", "status": 400, "outcome": "refused",
            "reason": "invalid-request"}),
        json!({"kind": "pin", "outcome": "delivered", "attempt": 1}),
        json!({"kind": "charge", "outcome": "approved", "attempt": 2}),
        json!({"kind": "charge-notice", "outcome": "retried", "attempt": 1}),
        json!({"kind": "charge-notice", "outcome": "delivered", "attempt": 2}),
    ] {
        let line = origin.iter().find(|line| has(line, &expected));
        let line = line.unwrap_or_else(|| panic!("{expected} in {text}"));
        for name in ["correlator", "trace_id", "span_id", "duration_ms"] {
            assert!(line.get(name).is_some(), "{name} of {line}");
        }
        let is_charge = line["route"] == "/ott/v1/transaction" || line["kind"] == "charge";
        assert!(!is_charge || line["transaction_id"].is_string(), "{line}");
    }
    for expected in [
        of_charge(json!({"status": 201, "outcome": "ok", "level": "info"})),
        of_charge(
            json!({"status": 503, "outcome": "failed", "reason": "service-unavailable", "level": "error",
            "fault": "operator:acme: no connection"}),
        ),
        json!({"status": 401, "outcome": "refused", "reason": "authorization-failure"}),
        json!({"route": "/widget/v1/signup", "status": 201, "operator": "acme", "partner": "netflix"}),
    ] {
        assert!(edge.iter().any(|line| has(line, &expected)), "{expected} in {edge:?}");
    }
    let of_trace = |trace: &Value| edge.iter().any(|line| line["trace_id"] == *trace);
    let charge = origin.iter().find(|line| has(line, &charge)).expect("is there");
    assert!(of_trace(&charge["trace_id"]), "one search finds both lines of a charge");
}
