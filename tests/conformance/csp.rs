//! The operator's kit.

use super::csp_faults::FAULTS;
use super::faulty::{Fault, Whole, body_of, faulty, is_call, none};
use super::parties::{Served, dependencies, listen};
use futures_util::future::join_all;
use onbill_sandbox::operator::Operator;
use onbill_test_harness::keys::keyring;
use onbill_test_harness::{KeyHolder, operator_config};
use onbill_tool::certify::{CspSettings, Limits, Numbers, Report, certify_csp, csp_checks};
use std::time::Duration;

/// The sandbox's accounts, by what they are.
const NUMBERS: &str = r#"{"currency": "USD", "amount": 1000, "active": "+12025550101", "unknown": "+12025550199",
    "prepaid": "+12025550103", "poor": "+12025550104", "suspended": "+12025550105", "ceased": "+12025550106",
    "sms": "+12025550101"}"#;

/// Enough for a party on this machine, and little enough to wait for one that is late.
pub(super) const SHORT: Limits =
    Limits { answer_within: Duration::from_secs(1), charge_within: Duration::from_secs(1) };

/// How many faulty parties are tested at the same time: with more, they would wait for the processor,
/// and all of them would be late.
pub(super) const AT_ONCE: usize = 4;

/// The report on the sandbox's operator, with a fault before its CSP API.
async fn certify(fault: Fault, limits: Limits) -> Report {
    let (listener, address) = listen().await;
    let operator = Operator::new(operator_config("acme", &address.to_string()), dependencies());
    let _served = Served::new(listener, faulty(operator.router(), fault));
    let settings = CspSettings {
        url: format!("http://{address}/csp"),
        keys: keyring(&KeyHolder::Operator("acme")),
        numbers: Numbers::parse(NUMBERS).expect("is well formed"),
        limits,
    };
    certify_csp(settings, &|_| {}).await.expect("is reached")
}

#[tokio::test]
async fn kit_passes_on_the_sandbox() {
    let report = certify(none, Limits::default()).await;
    assert_eq!((report.failed_ids(), report.skipped_ids()), (vec![], vec![]), "{}", report.to_table());
    assert_eq!(report.results.len(), csp_checks().len());
}

/// A charge whose connection was cut off may still be under way, and saying so is no fault.
#[tokio::test]
async fn kit_passes_where_a_charge_under_way_is_not_decided_yet() {
    let slow: Fault = |behind, request| {
        Box::pin(async move {
            let posted = body_of(&request)["transactionID"].as_str().map(str::to_owned);
            if let Some(id) = posted.filter(|_| is_call(&request, "POST", "/csp/transaction")) {
                behind.times_before(&id);
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let looked_up = request.uri().path().strip_prefix("/csp/transaction/").map(str::to_owned);
            let whole = behind.pass(request).await;
            let was_posted = looked_up.is_some_and(|id| behind.times_before(&id) > 0);
            if was_posted && whole.status() == 404 {
                let body = serde_json::json!({"code": "not-decided-yet", "message": "Ask again."});
                return Whole::json(503, &body).send();
            }
            whole.send()
        })
    };
    let report = certify(slow, Limits::default()).await;
    assert_eq!(report.failed_ids(), Vec::<&str>::new(), "{}", report.to_table());
}

#[tokio::test]
async fn each_planted_fault_is_found_by_its_check() {
    let mut missed = Vec::new();
    for few in FAULTS.chunks(AT_ONCE) {
        let runs = few.iter().map(|(name, fault, check)| async move {
            let report = certify(*fault, SHORT).await;
            (!report.failed_ids().contains(check)).then(|| format!("{name}: {}", report.to_table()))
        });
        missed.extend(join_all(runs).await.into_iter().flatten());
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[tokio::test]
async fn no_number_is_in_a_report() {
    // A party that quotes the request in its refusals, as frameworks do.
    let echoing: Fault = |_, request| {
        Box::pin(async move {
            let body = String::from_utf8_lossy(request.body()).into_owned();
            Whole::json(400, &serde_json::json!({"error": body})).send()
        })
    };
    let report = certify(echoing, SHORT).await;
    for text in [report.to_table(), report.to_junit(), report.to_html()] {
        assert!(!text.contains("2025550"), "{text}");
    }
    assert!(!report.is_passed());
}

#[tokio::test]
async fn kit_cannot_run_where_nothing_answers() {
    let (listener, address) = listen().await;
    drop(listener);
    let settings = CspSettings {
        url: format!("http://{address}/csp"),
        keys: keyring(&KeyHolder::Operator("acme")),
        numbers: Numbers::parse(NUMBERS).expect("is well formed"),
        limits: SHORT,
    };
    assert!(certify_csp(settings, &|_| {}).await.is_err());
}
