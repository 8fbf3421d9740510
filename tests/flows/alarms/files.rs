//! Alarms about billing by files.

use super::shown::Shown;
use async_trait::async_trait;
use http::Method;
use onbill_origin::delivery::files::{Folder, Reading, Spool, WatchedSpool};
use onbill_origin::instruments::Alarm;
use onbill_test_harness::billing_files::EVERY_MINUTES;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::wait::wait_until;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::json;
use std::fs;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;

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

/// A network file system that does not answer, until it does.
#[derive(Default)]
struct HangingSpool(Notify);

#[async_trait]
impl Spool for HangingSpool {
    async fn list_names(&self, _: Folder, _: &'static str) -> io::Result<Vec<String>> {
        self.0.notified().await;
        // The next listing of the round is answered at once.
        self.0.notify_one();
        Ok(Vec::new())
    }

    async fn read(&self, _: Folder, _: &str, _: u64) -> io::Result<Reading> {
        Ok(Reading::Gone)
    }

    async fn create(&self, _: Folder, _: &str, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    async fn rename(&self, _: (Folder, &str), _: (Folder, &str)) -> io::Result<()> {
        Ok(())
    }

    async fn remove(&self, _: Folder, _: &str) -> io::Result<()> {
        Ok(())
    }
}

pub(super) async fn hanging_spool() -> Shown {
    let mut shown = with_file(Alarm::SpoolUnreachable).await;
    let (app, hanging) = (shown.app(), Arc::new(HangingSpool::default()));
    let (spool, instruments) = (Arc::clone(&hanging), Arc::clone(&app.instruments));
    let spool = WatchedSpool::with_patience(spool, Duration::from_millis(1), instruments);
    let round = tokio::spawn(async move { app.files.make_round(&spool).await.is_ok() });
    let alarms = Arc::clone(&shown.app().instruments);
    wait_until("it is noticed", async || alarms.alarms.is_active(Alarm::SpoolUnreachable, "")).await;
    shown.expect_raised("").await;
    hanging.0.notify_one();
    assert!(round.await.expect("does not panic"), "the round goes on where it was");
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
    let mut shown = Shown::begin(Alarm::AccountsUnknown, system);
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
