//! A month of customers, charges and refunds, and what the page says of it against the ledger and
//! against what has crossed the network.

use super::open_metrics::Page;
use super::scrape_acme;
use http::{Method, StatusCode};
use onbill_domain::wire::partner::{ACCOUNT_STATE_PATH, REFUND_STATE_PATH, TRANSACTION_STATE_PATH};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::{ACME_ACCOUNTS, NETFLIX, NetworkFault, TestSystem};
use rusqlite::Connection;
use serde_json::{Value, json};

const ANN: &str = "+12025550101";
const BEN: &str = "+12025550102";
const CLEO: &str = "+12025550107";
const DAN: &str = "+12025550108";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";
const REFUNDS: &str = "127.0.0.1:8790/csp/refund";

#[tokio::test]
async fn page_says_what_the_ledger_has() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let before = scrape_acme(&system).await;
    assert!(before.sum("onbill_charges_total", &[]) < 0.5, "nothing has happened yet");
    customers_sign_up(&system).await;
    charges_are_made(&system).await;
    refunds_are_made(&system).await;

    let page = scrape_acme(&system).await;
    let TestDb::Sqlite(path) = &system.acme.db else { unreachable!("is a file") };
    let ledger = Connection::open(path).expect("opens");
    compare_charges(&page, &ledger);
    compare_refunds(&page, &ledger);
    compare_visits(&page, &ledger, &system);
    compare_calls(&page, &system);
}

/// Two by PIN, one of them at the second attempt; one whose PIN expires; one in the partner's app.
async fn customers_sign_up(system: &TestSystem) {
    system.sign_up(&system.acme, ANN, AccountChoice::New("ann@example.com")).await;
    let (_, step) = system.enter_number(&system.acme, BEN).await;
    let pin = system.read_pin(&system.acme, BEN).await;
    let enter = async |pin: &str| {
        let body = json!({"operator": "acme", "flow": step["flow"], "pin": pin});
        system.call_widget("/pin", body).await
    };
    assert_eq!(enter("none").await.1["code"], "pin-invalid");
    let (status, proven) = enter(&pin).await;
    assert_eq!(status, StatusCode::OK, "{proven}");
    let page = system.open_signup(&system.acme, proven["flow"].as_str().expect("is text")).await;
    system.choose_account(&page, AccountChoice::New("ben@example.com")).await;
    let (_, step) = system.enter_number(&system.acme, DAN).await;
    system.advance_seconds(3_600);
    let late = json!({"operator": "acme", "flow": step["flow"], "pin": "123456"});
    assert_eq!(system.call_widget("/pin", late).await.1["code"], "pin-expired");
    system.subscribe_in_app(CLEO, "s-cleo", 1599).await;
    system.acme.deliver_due().await;
}

/// Approved and declined at once, and later: with a webhook.
async fn charges_are_made(system: &TestSystem) {
    system.run_billing("2026-11").await;
    let ann = system.pai_of("ann@example.com").await;
    let ben = system.pai_of("ben@example.com").await;
    let post = async |pai: &str, id: &str, value: i64| {
        let body = charge_body(pai, id, value);
        system.call_ott(Method::POST, "/ott/v1/transaction", body).await.1
    };
    assert_eq!(post(&ann, "c-2", 1599).await["status"], "APPROVED");
    assert_eq!(post(&ann, "c-2", 1599).await["status"], "APPROVED", "a replay");
    assert_eq!(post(&ann, "c-3", 159_900).await["status"], "DECLINED", "nobody has agreed to that");
    system.network.inject_fault(BILLING, NetworkFault::AnswerLost);
    assert_eq!(post(&ann, "c-4", 1599).await["status"], "PENDING");
    system.network.clear_faults();
    let accounts = ACME_ACCOUNTS.replace(&format!("{BEN},active"), &format!("{BEN},suspended"));
    system.acme.import_accounts(&accounts).await;
    assert_eq!(post(&ben, "c-5", 1599).await["declineReason"], "account-on-hold");
    system.advance_seconds(600);
    system.acme.deliver_due().await;
}

async fn refunds_are_made(system: &TestSystem) {
    let refund = async |id: &str| {
        let body = json!({"extRefundID": id, "amount": {"value": 100, "currency": "USD"}, "reason": "Sorry"});
        system.call_ott(Method::POST, "/ott/v1/transaction/c-2/refund", body).await.1["status"].clone()
    };
    assert_eq!(refund("r-1").await, "APPROVED");
    system.network.inject_fault(REFUNDS, NetworkFault::Lost);
    assert_eq!(refund("r-2").await, "PENDING");
    system.network.clear_faults();
    system.advance_seconds(600);
    system.acme.deliver_due().await;
    let (_, later) = system.call_ott(Method::GET, "/ott/v1/transaction/c-2/refund/r-2", Value::Null).await;
    assert_eq!(later["status"], "APPROVED");
}

fn compare_charges(page: &Page, ledger: &Connection) {
    let sql = "SELECT lower(status), coalesce(decline_reason, 'none'), count(*) FROM transactions
               WHERE partner = 'netflix' GROUP BY 1, 2";
    let mut total = 0;
    for (outcome, reason, count) in read_groups(ledger, sql) {
        let labels = [("partner", "netflix"), ("outcome", outcome.as_str()), ("reason", reason.as_str())];
        assert_same(page.value("onbill_charges_total", &labels), count, &format!("{outcome} {reason}"));
        total += count;
    }
    assert!(total >= 6, "the ledger has {total} charges");
    assert_same(page.sum("onbill_charges_total", &[]), total, "all charges");
    assert_same(page.value("onbill_charge_result_seconds_count", &[]), total, "results");
    assert_same(page.value("onbill_charges_pending_total", &[("partner", "netflix")]), 1, "pending");
    let charged = ledger.query_row(
        "SELECT sum(amount_minor) FROM transactions WHERE status = 'APPROVED' AND currency = 'USD'",
        [],
        |row| row.get(0),
    );
    let labels = [("partner", "netflix"), ("currency", "USD")];
    let on_page = page.value("onbill_charged_minor_units_total", &labels);
    assert_same(on_page, charged.expect("is a sum"), "amounts");
}

fn compare_refunds(page: &Page, ledger: &Connection) {
    let sql = "SELECT lower(status), '', count(*) FROM refunds WHERE partner = 'netflix' GROUP BY 1";
    let groups = read_groups(ledger, sql);
    assert_eq!(groups.len(), 1, "{groups:?}");
    for (outcome, _, count) in groups {
        let labels = [("partner", "netflix"), ("outcome", outcome.as_str())];
        assert_same(page.value("onbill_refunds_total", &labels), count, &outcome);
    }
    assert_same(page.value("onbill_refunds_pending_total", &[("partner", "netflix")]), 1, "pending");
    let labels = [("partner", "netflix"), ("currency", "USD")];
    assert_same(page.value("onbill_refunded_minor_units_total", &labels), 200, "amounts");
}

fn compare_visits(page: &Page, ledger: &Connection, system: &TestSystem) {
    let count = |sql: &str| ledger.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("is SQL");
    let pins = |result| page.value("onbill_pins_total", &[("result", result)]);
    let proven = count("SELECT count(*) FROM flows WHERE pin_mac IS NOT NULL AND proven_at IS NOT NULL");
    assert_same(pins("right"), proven, "right PINs");
    assert_same(pins("wrong"), 1, "wrong PINs");
    assert_same(pins("expired"), 1, "expired PINs");
    let sms = system.network.calls_to(system.acme.dashboard_address, "/csp/notification").len();
    let sms = i64::try_from(sms).expect("is small");
    assert_same(page.value("onbill_sms_total", &[("gateway", "csp"), ("state", "accepted")]), sms, "SMS");
    assert_same(pins("sent"), count("SELECT count(*) FROM flows WHERE pin_sent_to IS NOT NULL"), "PINs sent");
    let step =
        |channel, step| page.value("onbill_funnel_steps_total", &[("channel", channel), ("step", step)]);
    assert_same(step("widget", "validated"), 3, "numbers");
    assert_same(step("widget", "pin-issued"), count("SELECT count(*) FROM flows"), "PINs");
    assert_same(step("widget", "pin-right"), proven, "proven numbers");
    let signups = count("SELECT count(*) FROM signups");
    assert_same(step("widget", "sign-up-begun"), signups, "sign-ups");
    let spent = count("SELECT count(*) FROM signups WHERE spent_at IS NOT NULL");
    assert_same(step("widget", "token-spent"), spent, "tokens");
    assert_same(step("app", "validated"), 1, "numbers in the app");
    let subscriptions = count("SELECT count(*) FROM partner_subscriptions");
    let reported = page.value("onbill_subscriptions_reported_total", &[("partner", "netflix")]);
    assert_same(reported, subscriptions, "subscriptions");
}

/// What has crossed the network.
fn compare_calls(page: &Page, system: &TestSystem) {
    let calls = system.network.raw_calls();
    let webhook = |path: &str| {
        [TRANSACTION_STATE_PATH, REFUND_STATE_PATH, ACCOUNT_STATE_PATH].iter().any(|end| path.ends_with(end))
    };
    let webhooks = calls.iter().filter(|call| call.authority == NETFLIX && webhook(&call.path)).count();
    let labels = [("partner", "netflix"), ("result", "delivered")];
    let webhooks = i64::try_from(webhooks).expect("is small");
    assert!(webhooks >= 2, "{webhooks}");
    assert_same(page.value("onbill_webhooks_total", &labels), webhooks, "webhooks");
    let asked = calls.iter().filter(|call| call.authority == system.acme.origin_address).count();
    let asked = i64::try_from(asked).expect("is small");
    assert_same(page.sum("onbill_http_requests_total", &[]), asked, "requests");
    assert_same(page.sum("onbill_http_request_duration_seconds_count", &[]), asked, "durations");
    let unclear = page.value("onbill_csp_calls_total", &[("call", "charge"), ("result", "unclear")]);
    assert_same(unclear, 1, "the charge whose response was lost");
    let attempts =
        |kind, result| page.value("onbill_job_attempts_total", &[("kind", kind), ("result", result)]);
    assert_same(attempts("charge", "retry"), 1, "the first attempt at that charge");
    assert_same(attempts("charge-notice", "done"), 1, "its webhook");
    assert_same(page.sum("onbill_queue_entries", &[]), 0, "nothing is left to do");
    assert_same(page.value("onbill_ledger_readable", &[]), 1, "the ledger");
    assert!(page.value("onbill_commit_duration_seconds_count", &[]) > 10.0);
    assert_same(page.value("onbill_writes_waiting", &[]), 0, "nobody waits");
}

fn read_groups(ledger: &Connection, sql: &str) -> Vec<(String, String, i64)> {
    let mut select = ledger.prepare(sql).expect("is SQL");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    rows.expect("is SQL").collect::<Result<_, _>>().expect("are groups")
}

#[expect(clippy::cast_precision_loss, reason = "the counts of a test are small")]
#[track_caller]
fn assert_same(on_page: f64, there: i64, what: &str) {
    assert!((on_page - there as f64).abs() < 0.5, "{what}: {on_page} on the page, and {there} there");
}
