//! The operator's kit.

use super::csp_faults::money::no_content;
use super::csp_faults::{FAULTS, refuse};
use super::faulty::{Fault, Whole, body_of, faulty, is_call, none};
use super::parties::{Served, dependencies, listen};
use futures_util::future::join_all;
use onbill_sandbox::operator::Operator;
use onbill_test_harness::keys::keyring;
use onbill_test_harness::{KeyHolder, operator_config};
use onbill_tool::certify::{CspSettings, Limits, Numbers, Report, certify_csp, csp_checks};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

/// The sandbox's accounts, by what they are.
const NUMBERS: &str = r#"{"currency": "USD", "amount": 1000, "active": "+12025550101", "unknown": "+12025550199",
    "prepaid": "+12025550103", "poor": "+12025550104", "suspended": "+12025550105", "ceased": "+12025550106",
    "sms": "+12025550101"}"#;

/// What an operator implements.
const DOCUMENT: &str = include_str!("../../docs/api/csp.json");

/// Enough for a party on this machine, and little enough to wait for one that is late.
pub(super) const SHORT: Limits =
    Limits { answer_within: Duration::from_secs(1), charge_within: Duration::from_secs(1) };

/// How many faulty parties are tested at the same time: with more, they would wait for the processor,
/// and all of them would be late.
pub(super) const AT_ONCE: usize = 4;

/// What the kit needs, to test what answers at this address.
fn settings_for(url: &str, numbers: &str, limits: Limits) -> CspSettings {
    CspSettings {
        url: url.to_owned(),
        keys: keyring(&KeyHolder::Operator("acme")),
        numbers: Numbers::parse(numbers).expect("is well formed"),
        limits,
    }
}

/// The report on the sandbox's operator, with a fault before its CSP API.
async fn certify(fault: Fault, limits: Limits) -> Report {
    try_certify(fault, limits, NUMBERS).await.expect("is reached")
}

/// The same, or why the checks could not be run.
async fn try_certify(fault: Fault, limits: Limits, numbers: &str) -> Result<Report, String> {
    let (listener, address) = listen().await;
    let operator = Operator::new(operator_config("acme", &address.to_string()), dependencies());
    let _served = Served::new(listener, faulty(operator.router(), fault));
    let settings = settings_for(&format!("http://{address}/csp"), numbers, limits);
    certify_csp(settings, &|_| {}).await.map_err(|error| format!("{error:#}"))
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

/// The sandbox declines such a refund. An API that refuses it gives nothing back either.
#[tokio::test]
async fn kit_passes_where_a_refund_is_refused_with_a_status() {
    let refusing: Fault = |behind, request| {
        Box::pin(async move {
            let is_refund = is_call(&request, "POST", "/csp/refund");
            let whole = behind.pass(request).await;
            let is_declined = is_refund && whole.body()["status"] == "DECLINED";
            if is_declined { refuse(400, "not-possible").send() } else { whole.send() }
        })
    };
    let report = certify(refusing, Limits::default()).await;
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

/// A call of the kit has the header fields that the document says every call has, and the calls about
/// one charge have one trace.
#[tokio::test]
async fn kit_sends_what_the_document_requires() {
    let strict: Fault = |behind, request| {
        Box::pin(async move {
            let document: Value = serde_json::from_str(DOCUMENT).expect("is JSON");
            let parameters = document["components"]["parameters"].as_object().expect("has some");
            let text = |name: &str| Some(request.headers().get(name)?.to_str().ok()?.to_owned());
            for field in parameters.values().filter(|field| field["required"] == true) {
                let value = text(field["name"].as_str().expect("is a text"));
                let is_signed = request.uri().path() != "/csp";
                if is_signed && value.is_none() {
                    return Whole::json(
                        400,
                        &json!({"code": "invalid-request", "message": "A field is missing."}),
                    )
                    .send();
                }
            }
            let trace = text("traceparent").unwrap_or_default().chars().skip(3).take(32).collect::<String>();
            if let Some(id) = body_of(&request)["transactionID"].as_str() {
                let mut memory = behind.memory();
                let traces = memory.kept.get_or_insert_with(|| json!({}));
                let known = traces[id].as_str().unwrap_or(&trace).to_owned();
                traces[id] = json!(trace);
                let is_charge = is_call(&request, "POST", "/csp/transaction");
                drop(memory);
                if is_charge && known != trace {
                    return Whole::json(
                        400,
                        &json!({"code": "other-trace", "message": "It has another trace."}),
                    )
                    .send();
                }
            }
            behind.pass(request).await.send()
        })
    };
    let report = certify(strict, Limits::default()).await;
    assert_eq!((report.failed_ids(), report.skipped_ids()), (vec![], vec![]), "{}", report.to_table());
}

/// One cause is found once. What would fail with it is not run.
#[tokio::test]
async fn one_cause_is_one_failure() {
    let no_charge: Fault = |behind, request| Box::pin(no_content(behind, request));
    let in_another_box: Fault = |behind, request| {
        Box::pin(async move {
            let whole = behind.pass(request).await;
            if whole.status() >= 300 || whole.response.body().is_empty() {
                return whole.send();
            }
            let body = json!({"result": whole.body()});
            whole.with_body(&body).send()
        })
    };
    for (fault, cause) in [(no_charge, "csp-charge-approved"), (in_another_box, "csp-account-active")] {
        let report = certify(fault, SHORT).await;
        assert_eq!(report.failed_ids(), [cause], "{}", report.to_table());
        assert!(report.blocked_ids().contains(&"csp-refund-half"), "{}", report.to_table());
        assert!(report.to_table().contains("\n  not run:  csp-"), "{}", report.to_table());
    }
}

/// What every call would meet is said once, before the checks.
#[tokio::test]
async fn kit_says_what_has_to_be_mended_before_the_checks() {
    let refuse_all: Fault = |_, _| Box::pin(async { refuse(401, "authorization-failure").send() });
    let faults: [(Fault, &str); 5] = [
        (
            |_, _| Box::pin(async { Whole::html(200, "<html>Welcome</html>").send() }),
            "is not a CSP API (200 text/html)",
        ),
        (
            |_, _| Box::pin(async { Whole::json(404, &json!({"error": "no route"})).send() }),
            "check --url: 404 for /csp/account/validate",
        ),
        (|_, _| Box::pin(async { Whole::redirect().send() }), "a redirect to /elsewhere"),
        (refuse_all, "you refuse our signature: 401"),
        (refuse_all, "we signed for 127.0.0.1:"),
    ];
    for (fault, said) in faults {
        let error = try_certify(fault, SHORT, NUMBERS).await.err();
        assert!(error.as_ref().is_some_and(|error| error.contains(said)), "{said}: {error:?}");
    }
}

#[tokio::test]
async fn other_protocol_is_said_to_be_one() {
    let (listener, address) = listen().await;
    let operator = Operator::new(operator_config("acme", &address.to_string()), dependencies());
    let _served = Served::new(listener, operator.router());
    let settings = settings_for(&format!("https://{address}/csp"), NUMBERS, SHORT);
    let error = certify_csp(settings, &|_| {}).await.expect_err("is not reached");
    assert!(format!("{error:#}").ends_with("write http:// in the address"), "{error:#}");
}

#[tokio::test]
async fn kit_charges_nobody_where_the_file_is_wrong_about_an_account() {
    let counted: Fault = |behind, request| {
        Box::pin(async move {
            assert!(!is_call(&request, "POST", "/csp/transaction"), "it charges");
            behind.pass(request).await.send()
        })
    };
    for (numbers, said) in [
        (NUMBERS.replace("+12025550103", "+12025550102"), "the account under \"prepaid\" is postpaid"),
        (NUMBERS.replace("+12025550104", "+12025550108"), "the balance under \"poor\" is 10000"),
        (NUMBERS.replace("1000", "6000"), "the balance under \"prepaid\" is 5000 and a charge is 6000"),
        (NUMBERS.replace("USD", "EUR"), "is in USD, and \"currency\" says EUR"),
    ] {
        let error = try_certify(counted, SHORT, &numbers).await.err();
        assert!(error.as_ref().is_some_and(|error| error.contains(said)), "{said}: {error:?}");
    }
}

/// onbill makes a call again whose connection ended without a response. So does the kit, and says so once.
#[tokio::test]
async fn ended_connections_are_one_failure() {
    let ended: Fault = |behind, request| {
        Box::pin(async move {
            let body = body_of(&request);
            let id = [&body["refundID"], &body["transactionID"]].into_iter().find_map(Value::as_str);
            let is_first = id.is_some_and(|id| behind.times_before(id) == 0);
            let whole = behind.pass(request).await;
            if is_first { whole.cut_off() } else { whole.send() }
        })
    };
    let report = certify(ended, Limits::default()).await;
    assert_eq!(report.failed_ids(), ["csp-whole"], "{}", report.to_table());
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

/// The page says how often the account under `active` is charged.
#[tokio::test]
async fn page_counts_the_charges_of_a_run() {
    static CHARGED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let counting: Fault = |behind, request| {
        Box::pin(async move {
            let body = body_of(&request);
            let is_meant = is_call(&request, "POST", "/csp/transaction") && body["msisdn"] == "+12025550101";
            let whole = behind.pass(request).await;
            if is_meant && whole.body()["status"] == "APPROVED" {
                CHARGED.lock().expect("is whole").insert(body["transactionID"].to_string());
            }
            whole.send()
        })
    };
    certify(counting, Limits::default()).await;
    let said = format!("It gets {} charges", CHARGED.lock().expect("is whole").len());
    assert!(include_str!("../../docs/conformance.md").contains(&said), "docs/conformance.md: {said}");
}

#[tokio::test]
async fn kit_cannot_run_where_nothing_answers() {
    let (listener, address) = listen().await;
    drop(listener);
    let settings = settings_for(&format!("http://{address}/csp"), NUMBERS, SHORT);
    let error = certify_csp(settings, &|_| {}).await.expect_err("is not reached");
    assert!(
        format!("{error:#}").ends_with("refused: start your server, or correct the address"),
        "{error:#}"
    );
}
