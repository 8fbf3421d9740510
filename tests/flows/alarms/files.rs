//! Alarms about billing by files.

use super::shown::Shown;
use http::Method;
use onbill_origin::instruments::Alarm;
use onbill_test_harness::billing_files::EVERY_MINUTES;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::json;
use std::fs;
use std::sync::Arc;

const GOOD: &str = "+12025550101";
const NOVA_NUMBER: &str = "+34612345601";
const INTERVAL: i64 = 60 * EVERY_MINUTES as i64;

/// Acme's file with one charge is out.
async fn with_file(alarm: Alarm) -> Shown {
    let system = TestSystem::with_files().await;
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let shown = Shown::begin(alarm, system);
    let pai = shown.system.pai_of("ann@example.com").await;
    shown.system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "c-1", 1599)).await;
    shown.system.acme.run_filing().await;
    shown.expect_quiet().await;
    shown
}

/// Another program has written something else under the name of the file's manifest.
pub(super) async fn file_in_the_way() -> Shown {
    let mut shown = with_file(Alarm::FileNotWritten).await;
    let files = shown.system.acme.billing_files();
    let out = files.contents_of("out");
    let is_manifest = |(name, _): &(&String, _)| name.ends_with(".manifest.json");
    let (name, contents) = out.iter().find(is_manifest).expect("there is one");
    fs::write(files.path_of("out", name), "something else").expect("can be written");
    shown.system.acme.db.run_sql("UPDATE files SET written_at = NULL, sha256 = NULL").await;
    assert!(shown.system.acme.try_run_filing().await.is_err());
    shown.expect_raised("*").await;
    fs::write(shown.system.acme.billing_files().path_of("out", name), contents).expect("can be written");
    shown.system.acme.run_filing().await;
    shown.expect_over().await;
    shown
}

pub(super) async fn silent_billing() -> Shown {
    let mut shown = with_file(Alarm::FileUnacknowledged).await;
    let look = async |shown: &Shown| shown.app().files.look_for_overdue_files().await.expect("works");
    shown.system.advance_seconds(26 * 3_600 - 1);
    look(&shown).await;
    shown.expect_quiet().await;
    shown.system.advance_seconds(1);
    look(&shown).await;
    shown.expect_raised("*").await;
    shown.system.acme.process_files();
    shown.system.acme.run_filing().await;
    look(&shown).await;
    shown.expect_over().await;
    shown
}

pub(super) async fn wrong_response() -> Shown {
    let mut shown = with_file(Alarm::ResponseRefused).await;
    let path = shown.system.acme.billing_files().path_of("in", "nothing-of-ours.response.csv");
    fs::write(path, "whatever\n").expect("can be written");
    shown.system.acme.run_filing().await;
    shown.expect_raised("").await;
    shown.close().await;
    shown
}

pub(super) async fn accounts_out_of_reach() -> Shown {
    let system = TestSystem::with_files().await;
    system.sign_up(&system.nova, NOVA_NUMBER, AccountChoice::New("ana@example.com")).await;
    let mut shown = Shown::begin(Alarm::StandingUnknown, system);
    shown.app = Some(Arc::clone(shown.system.nova.app()));
    let pai = shown.system.pai_of("ana@example.com").await;
    let accounts = format!("{}/csp/account/validate", shown.system.nova.dashboard_address);
    shown.system.network.inject_fault(&accounts, NetworkFault::Lost);
    let mut charge = charge_body(&pai, "c-1", 1399);
    charge["amount"]["currency"] = json!("EUR");
    shown.system.call_ott(Method::POST, "/ott/v1/transaction", charge).await;
    shown.system.nova.run_filing().await;
    shown.expect_raised("").await;
    // Another round in the same interval knows nothing new.
    shown.system.nova.run_filing().await;
    shown.expect_raised("").await;
    shown.system.advance_seconds(INTERVAL);
    shown.system.network.clear_faults();
    shown.system.nova.run_filing().await;
    shown.expect_over().await;
    shown
}
