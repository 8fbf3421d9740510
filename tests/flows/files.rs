//! Billing by files: whatever happens to a file, a response or the program, each charge is in one
//! file, on the bill once, and settled as billing reports.

mod crashes;
mod responses;

use http::{Method, StatusCode};
use onbill_origin::config::Billing;
use onbill_sandbox::operator::RefusedFile;
use onbill_test_harness::billing_files::EVERY_MINUTES;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, NETFLIX, NetworkFault, TestSystem};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const GOOD: &str = "+12025550101";
const INTERVAL: i64 = 60 * EVERY_MINUTES as i64;

/// A test system in which Ann has signed up with Acme, which bills by files; and her PAI.
async fn start_system() -> (TestSystem, String) {
    let system = TestSystem::with_files().await;
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let pai = system.pai_of("ann@example.com").await;
    (system, pai)
}

/// Charges Ann. The charge then waits for a file.
async fn post_charge(system: &TestSystem, pai: &str, id: &str) {
    let (code, answer) =
        system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("PENDING")), "{answer}");
}

async fn query_status(system: &TestSystem, id: &str) -> Value {
    system.call_ott(Method::GET, &format!("/ott/v1/transaction/{id}"), Value::Null).await.1
}

/// The status that was reported to the partner at this path, once.
async fn last_webhook(system: &TestSystem, path: &str) -> Value {
    let crossings = system.network.recorded_calls();
    let notices: Vec<_> =
        crossings.iter().filter(|crossing| crossing.authority == NETFLIX && crossing.path == path).collect();
    assert_eq!(notices.len(), 1, "{path}");
    let (_, body) = notices[0].request.split_once(" {\"").expect("has a body");
    let webhook: Value = serde_json::from_str(&format!("{{\"{body}")).expect("is JSON");
    assert_eq!(system.partner_charges().await["contradictions"], json!([]));
    webhook["status"].clone()
}

/// The count and the sum of the lines on Ann's bill.
async fn count_bill(system: &TestSystem) -> (usize, i64) {
    let lines = system.bill_lines(&system.acme, GOOD).await;
    let sum = lines.iter().map(|line| line["amount"]["value"].as_i64().expect("is a number")).sum();
    (lines.len(), sum)
}

#[tokio::test]
async fn charge_and_refund_are_billed_by_file() {
    let (system, pai) = start_system().await;
    post_charge(&system, &pai, "c-1").await;
    assert_eq!(system.acme.deliver_due().await, 0, "the delivery loop does not touch it");
    system.acme.run_filing().await;
    assert_eq!(count_bill(&system).await, (0, 0), "nothing is on the bill before billing has the file");
    let names = system.acme.process_files();
    assert_eq!((names.len(), count_bill(&system).await), (1, (1, 1599)));
    assert_eq!(query_status(&system, "c-1").await["status"], "PENDING", "billing's word is not here yet");
    system.acme.run_filing().await;
    assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED");
    assert_eq!(system.acme.deliver_due().await, 1, "the notice");
    assert_eq!(last_webhook(&system, "/transaction-state").await, "APPROVED");

    let path = "/ott/v1/transaction/c-1/refund";
    let request = json!({"extRefundID": "r-1", "reason": "Not wanted"});
    let (code, answer) = system.call_ott(Method::POST, path, request).await;
    assert_eq!((code, &answer["status"]), (StatusCode::CREATED, &json!("PENDING")), "{answer}");
    system.acme.run_filing().await;
    assert!(system.acme.billing_files().contents_of("out").is_empty(), "one file in an interval");
    system.advance_seconds(INTERVAL);
    system.acme.run_filing().await;
    system.acme.process_files();
    system.acme.run_filing().await;
    let refund = system.call_ott(Method::GET, &format!("{path}/r-1"), Value::Null).await.1;
    assert_eq!((&refund["status"], &refund["remaining"]["value"]), (&json!("APPROVED"), &json!(0)));
    assert_eq!((system.acme.deliver_due().await, count_bill(&system).await), (1, (2, 0)));
    assert_eq!(last_webhook(&system, "/refund-state").await, "APPROVED");

    // The files with the number in them are gone; manifests and responses are kept.
    let files = system.acme.billing_files();
    assert!(files.contents_of("out").is_empty() && files.contents_of("in").is_empty());
    let kept = files.contents_of("done");
    assert_eq!(kept.len(), 4, "{kept:?}");
    assert!(kept.iter().all(|(name, text)| !(name.contains("2025550101") || text.contains("2025550101"))));
    let calls = system.network.recorded_calls();
    assert!(
        !calls.iter().any(|call| call.path.contains("/csp/transaction") || call.path.contains("/csp/refund"))
    );
}

#[tokio::test]
async fn files_sort_by_name_and_hide_from_others() {
    let (system, pai) = start_system().await;
    let mut made = Vec::new();
    for run in 0..3 {
        // More than three lines need more than one file.
        for n in 0..4 {
            post_charge(&system, &pai, &format!("c-{run}{n}")).await;
        }
        system.acme.run_filing().await;
        let names: BTreeSet<String> = system.acme.billing_files().contents_of("out").into_keys().collect();
        let new: BTreeSet<String> = names.into_iter().filter(|name| !made.contains(name)).collect();
        assert_eq!(new.len(), 4, "two files and their manifests: {new:?}");
        assert!(made.iter().all(|before| new.iter().all(|name| before < name)), "{made:?} {new:?}");
        made.extend(new);
        system.advance_seconds(INTERVAL);
    }
    for name in made {
        assert!(name.starts_with("acme-20261118T") && !name.contains("2025550101"), "{name}");
        let found = fs::metadata(system.acme.billing_files().path_of("out", &name)).expect("is there");
        assert_eq!(found.permissions().mode() & 0o777, 0o640, "{name}");
    }
    assert_eq!((system.acme.process_files().len(), count_bill(&system).await.0), (6, 12));
}

#[tokio::test]
async fn file_picked_up_twice_is_billed_once() {
    let (system, pai) = start_system().await;
    post_charge(&system, &pai, "c-1").await;
    system.acme.run_filing().await;
    let out = system.acme.billing_files().contents_of("out");
    system.acme.process_files();
    system.acme.process_files();
    system.acme.run_filing().await;
    // As after a crash before the database recorded that the file was out.
    for (name, text) in out {
        fs::write(system.acme.billing_files().path_of("out", &name), text).expect("writes");
    }
    system.acme.process_files();
    system.acme.run_filing().await;
    assert_eq!(
        (count_bill(&system).await, query_status(&system, "c-1").await["status"].clone()),
        ((1, 1599), json!("APPROVED"))
    );
    assert!(system.acme.billing_files().contents_of("refused").is_empty());
}

#[tokio::test]
async fn damaged_file_or_manifest_is_not_billed() {
    let (system, pai) = start_system().await;
    post_charge(&system, &pai, "c-1").await;
    post_charge(&system, &pai, "c-2").await;
    system.acme.run_filing().await;
    let files = system.acme.billing_files();
    for (name, text) in files.contents_of("out") {
        let path = files.path_of("out", &name);
        for damaged in [
            text.replacen("1599", "9599", 1),
            text.replacen("3198", "3199", 1),
            text.replacen("\"lines\": 2", "\"lines\": 3", 1),
            text[..text.len() / 2].to_owned(),
            String::new(),
        ] {
            if damaged == text {
                continue;
            }
            fs::write(&path, &damaged).expect("writes");
            let refused = system.acme.sandbox.bill_files(&files.directory);
            assert!(matches!(refused, Err(RefusedFile { .. })), "{damaged}");
        }
        fs::write(&path, text).expect("writes");
    }
    assert!(files.contents_of("in").is_empty());
    assert_eq!(count_bill(&system).await, (0, 0));
    system.acme.process_files();
    assert_eq!(count_bill(&system).await, (2, 3198));
}

#[tokio::test]
async fn account_is_checked_again_when_filing() {
    for (from, to, reason) in [
        ("+12025550101,active", "+12025550101,suspended", "account-on-hold"),
        ("+12025550101,active", "+12025550101,ceased", "account-closed"),
        ("2021-03-14", "2026-11-17", "account-closed-taken-over"),
    ] {
        let (system, pai) = start_system().await;
        post_charge(&system, &pai, "c-1").await;
        system.acme.import_accounts(&ACME_ACCOUNTS.replace(from, to)).await;
        system.acme.run_filing().await;
        assert!(system.acme.billing_files().contents_of("out").is_empty(), "{reason}");
        assert_eq!(query_status(&system, "c-1").await["declineReason"], reason);
        // The webhook; and partner and edge learn of a closed PAI.
        let jobs = if reason == "account-on-hold" { 1 } else { 3 };
        assert_eq!(system.acme.deliver_due().await, jobs, "{reason}");
        // A charge of a PAI in that state is declined at once.
        let (_, answer) =
            system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-2", 1599)).await;
        assert_eq!(answer["declineReason"], reason);
    }
}

#[tokio::test]
async fn charge_with_unreachable_account_waits_for_next_file() {
    let system = TestSystem::with_files().await;
    let number = "+34612345601";
    system.sign_up(&system.nova, number, AccountChoice::New("bea@example.com")).await;
    let pai = system.pai_of("bea@example.com").await;
    system.network.inject_fault("127.0.0.1:9790/csp/account", NetworkFault::Lost);
    let mut request = charge_body(&pai, "c-1", 1399);
    request["amount"]["currency"] = json!("EUR");
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", request).await;
    assert_eq!(answer["status"], "PENDING", "{answer}");
    system.nova.run_filing().await;
    assert!(system.nova.billing_files().contents_of("out").is_empty());
    system.network.clear_faults();
    system.nova.run_filing().await;
    assert!(system.nova.billing_files().contents_of("out").is_empty(), "not before the next interval");
    system.advance_seconds(INTERVAL);
    system.nova.run_filing().await;
    system.nova.process_files();
    system.nova.run_filing().await;
    assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn overdue_billing_file_is_noticed_and_not_repeated() {
    let (system, pai) = start_system().await;
    post_charge(&system, &pai, "c-1").await;
    system.acme.run_filing().await;
    let out = system.acme.billing_files().contents_of("out");
    system.advance_seconds(26 * 3_600 - 1);
    system.acme.run_filing().await;
    assert_eq!(system.acme.app().files.overdue_files().await.expect("works"), [""; 0]);
    system.advance_seconds(1);
    system.acme.run_filing().await;
    let silent = system.acme.app().files.overdue_files().await.expect("works");
    assert_eq!(silent.len(), 1);
    assert_eq!(system.acme.billing_files().contents_of("out"), out, "nothing new is out");
    system.acme.process_files();
    system.acme.run_filing().await;
    assert_eq!(system.acme.app().files.overdue_files().await.expect("works"), [""; 0]);
    assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED");
}

#[tokio::test]
async fn last_response_file_counts_after_switch_to_calls() {
    let (mut system, pai) = start_system().await;
    post_charge(&system, &pai, "c-1").await;
    system.acme.run_filing().await;
    post_charge(&system, &pai, "c-2").await;
    system.acme.config.billing.by = Billing::Csp;
    system.restart_acme(|_| true).await;
    // A charge that waited for a file is now submitted by a call, and not filed any more.
    assert_eq!(system.acme.deliver_due().await, 2, "the charge and its notice");
    assert_eq!(query_status(&system, "c-2").await["status"], "APPROVED");
    system.advance_seconds(INTERVAL);
    system.acme.process_files();
    system.acme.run_filing().await;
    assert_eq!(query_status(&system, "c-1").await["status"], "APPROVED");
    assert_eq!(count_bill(&system).await, (2, 3198));
}
