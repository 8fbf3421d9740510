//! Billing's own codes mean what the configuration says, in answers to calls and in files.

use super::stub::RecordingBilling;
use super::{GOOD, post};
use http::{Method, StatusCode};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::pai::Pai;
use onbill_origin::config::{BillingCodes, FileColumns};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::{ACME_ACCOUNTS, TestSystem};
use rusqlite::Connection;
use serde_json::{Value, json};
use std::fs;

fn codes() -> BillingCodes {
    let meanings = [
        ("4012", DeclineReason::InsufficientBalance),
        ("HLD", DeclineReason::AccountOnHold),
        ("0017", DeclineReason::ChargeExceedsMonthlyLimit),
    ];
    meanings.map(|(code, reason)| (code.to_owned(), reason)).into_iter().collect()
}

#[tokio::test]
async fn own_code_of_billing_is_the_configured_reason() {
    let (mut system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.reconfigure_acme(|config| config.billing.codes = codes());
    let billing = RecordingBilling::attach(&system, "");
    for (n, (body, reason, raw_code)) in [
        (r#"{"status":"DECLINED","rawCode":"4012"}"#, "insufficient-balance", "4012"),
        (r#"{"status":"declined","rawCode":4012,"billedOn":null}"#, "insufficient-balance", "4012"),
        (r#"{"status":"DECLINED","rawCode":0017}"#, "charge-exceeds-monthly-limit", "0017"),
        (r#"{"status":"DECLINED","rawCode":"HLD","more":[{}]}"#, "account-on-hold", "HLD"),
        (r#"{"status":"DECLINED","rawCode":"4013"}"#, "risk-declined", "4013"),
        (r#"{"status":"DECLINED","rawCode":"account-closed"}"#, "risk-declined", "account-closed"),
        (
            r#"{"status":"DECLINED","rawCode":"charge-under-limit"}"#,
            "charge-under-limit",
            "charge-under-limit",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        billing.answer(body);
        let answer = post(&system, &charge_body(&pai, &format!("c-{n}"), 1599)).await;
        assert_eq!(
            (&answer["status"], &answer["declineReason"]),
            (&json!("DECLINED"), &json!(reason)),
            "{body}"
        );
        assert_eq!(answer["rawResult"], json!({"scope": "billing", "rawCode": raw_code}), "{body}");
    }
    billing.answer(r#"{"status":"APPROVED","rawCode":"4012"}"#);
    assert_eq!(post(&system, &charge_body(&pai, "c-9", 1599)).await["status"], "APPROVED");
}

/// A system that bills by files with these columns, with a file of two charges, the name of the
/// file and the response, which is not in the folder.
async fn system_with_response(columns: FileColumns) -> (TestSystem, String, String, String) {
    let mut system = TestSystem::with_files().await;
    system.reconfigure_acme(|config| {
        config.billing.codes = codes();
        config.files.as_mut().expect("bills by files").columns = columns;
    });
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let pai = system.pai_of("ann@example.com").await;
    for id in ["c-1", "c-2"] {
        let mut body = charge_body(&pai, id, 1599);
        body["description"] = json!("Netflix, \"Standard\"");
        assert_eq!(post(&system, &body).await["status"], "PENDING");
    }
    system.acme.run_filing().await;
    let (_, file) = system.acme.billing_files().contents_of("out").pop_first().expect("is there");
    let name = system.acme.process_files().remove(0);
    let path = system.acme.billing_files().path_of("in", &format!("{name}.response.csv"));
    let response = fs::read_to_string(&path).expect("reads");
    fs::remove_file(path).expect("is there");
    (system, name, file, response)
}

async fn query_charge(system: &TestSystem, id: &str) -> Value {
    let (status, answer) =
        system.call_ott(Method::GET, &format!("/ott/v1/transaction/{id}"), Value::Null).await;
    assert_eq!(status, StatusCode::OK);
    answer
}

#[tokio::test]
async fn code_and_bill_date_in_a_file_count() {
    let (system, name, file, response) = system_with_response(FileColumns::default()).await;
    let header = file.lines().next().expect("has a header");
    assert!(header.ends_with(
        ",period_to,partner,ext_transaction_id,offer,plan,charge_code,tax_amount,tax_rate,tax_included,charge_kind"
    ));
    assert!(file.contains(",\"Netflix, \"\"Standard\"\"\","), "{file}");
    assert!(file.contains(",netflix,c-1,netflix-standard,standard,OTT-NFLX-STD,,,,subscription\n"), "{file}");

    let mut lines = response.lines();
    let (header, one, two) = (lines.next().expect("a header"), lines.next(), lines.next());
    let one = one.expect("a line");
    let id = two.and_then(|line| line.split(',').nth(1)).expect("an id");
    let answer = format!("{header},billed_on\n{one},2026-12-01\n2,{id},DECLINED,0,4012,tomorrow\n");
    let path = system.acme.billing_files().path_of("in", &format!("{name}.response.csv"));
    fs::write(path, answer).expect("writes");
    system.acme.run_filing().await;
    assert_eq!(query_charge(&system, "c-1").await["status"], "APPROVED");
    let declined = query_charge(&system, "c-2").await;
    assert_eq!(declined["declineReason"], "insufficient-balance", "{declined}");
    assert_eq!(declined["rawResult"], json!({"scope": "billing", "rawCode": "4012"}));
    let pai = Pai::parse(&system.pai_of("ann@example.com").await).expect("is one");
    let charges = system.acme.app().store.list_own_charges(vec![pai], None, 5).await.expect("works").lines;
    let mut dates: Vec<_> =
        charges.iter().map(|charge| charge.billed_on.map(|day| day.to_string())).collect();
    dates.sort();
    assert_eq!(dates, [None, Some("2026-12-01".to_owned())]);
}

#[tokio::test]
async fn chosen_columns_are_in_the_file() {
    let chosen = "charge_code,partner,line,kind,transaction_id,refund_id,msisdn,holder,amount,currency,\
                  period_from,period_to,ext_transaction_id,charge_kind";
    let columns = FileColumns::parse(chosen).expect("are columns");
    let (system, name, file, response) = system_with_response(columns).await;
    let lines: Vec<&str> = file.lines().collect();
    assert_eq!((lines[0], lines.len()), (chosen, 3));
    assert!(lines[1].starts_with("OTT-NFLX-STD,netflix,1,charge,"), "{file}");
    let path = system.acme.billing_files().path_of("in", &format!("{name}.response.csv"));
    fs::write(path, response).expect("writes");
    system.acme.run_filing().await;
    for id in ["c-1", "c-2"] {
        assert_eq!(query_charge(&system, id).await["status"], "APPROVED");
    }
}

#[tokio::test]
async fn file_keeps_its_columns_when_others_are_configured() {
    let (mut system, name, file, _) = system_with_response(FileColumns::default()).await;
    let files = system.acme.billing_files();
    // As after a crash before the database knew that the file was written.
    let connection = open_database(&system);
    connection.execute("UPDATE files SET written_at = NULL, sha256 = NULL", []).expect("is SQL");
    fs::remove_file(files.path_of("out", &format!("{name}.manifest.json"))).expect("is there");
    fs::remove_file(files.path_of("out", &format!("{name}.csv"))).expect("is there");
    drop(connection);
    let few = FileColumns::parse("line,kind,transaction_id,refund_id,msisdn,amount,currency");
    system.reconfigure_acme(|config| {
        config.files.as_mut().expect("bills by files").columns = few.expect("are columns");
    });
    system.acme.run_filing().await;
    let (_, again) = system.acme.billing_files().contents_of("out").pop_first().expect("is there");
    assert_eq!(again, file, "the same bytes");
}

fn open_database(system: &TestSystem) -> Connection {
    let TestDb::Sqlite(path) = &system.acme.db else { unreachable!("is a file") };
    Connection::open(path).expect("opens")
}
