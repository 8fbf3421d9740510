//! The operator's account file, as spreadsheets and people write it.

use crate::test_store::TestStore;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::key::Keyring;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::account::import::{ImportError, ImportReport, TwoSubscribers, import_accounts};
use onbill_origin::config::NumberPlan;
use onbill_origin::keys::Vault;
use onbill_origin::line_problem::LineProblem;
use serde_json::json;
use std::fmt::Write as _;

on_each_database!(
    a_bad_line_is_named_and_takes_no_other_with_it,
    another_file_is_refused_whole,
    contradictory_lines_about_a_number_are_all_refused,
    latest_subscriber_of_a_number_is_taken_on_request,
);

const HEADER: &str = "msisdn,status,type,balance,currency,activated_on";

fn test_vault() -> Vault {
    let secret = encode_base64url(&[1; 32]);
    let ring = json!([{"id": "n", "party": "operator:acme", "use": "numbers", "alg": "hmac-sha256", "secret": secret}]);
    Vault::new(&Keyring::parse(&ring.to_string()).expect("is well formed")).expect("has its key")
}

/// Imports a file; returns the report and the errors.
async fn import_text(db: &TestStore, text: &str) -> (Result<ImportReport, ImportError>, Vec<String>) {
    import_with(db, TwoSubscribers::Refused, text).await
}

async fn import_with(
    db: &TestStore,
    two_subscribers: TwoSubscribers,
    text: &str,
) -> (Result<ImportReport, ImportError>, Vec<String>) {
    let (vault, numbers) = (test_vault(), NumberPlan::for_country("US").expect("is a country"));
    let mut complaints = Vec::new();
    let complain = |problem: LineProblem| complaints.push(problem.text);
    let report =
        import_accounts(&db.store, &vault, numbers, two_subscribers, text.as_bytes(), complain, |_| {}).await;
    (report, complaints)
}

async fn a_bad_line_is_named_and_takes_no_other_with_it(db: TestStore) {
    let text = format!(
        "\u{feff}{HEADER}\r\n\
         +12025550101,active,postpaid,,USD,2021-03-14\r\n\
         \"(202) 555-0102\",active,prepaid,\"5000\",USD,2021-03-14\r\n\
         not-a-number,active,postpaid,,USD,2021-03-14\r\n\
         +12025550104,gone,postpaid,,USD,2021-03-14\r\n\
         +12025550105,active,barter,,USD,2021-03-14\r\n\
         +12025550106,active,prepaid,,USD,2021-03-14\r\n\
         +12025550107,active,prepaid,15.99,USD,2021-03-14\r\n\
         +12025550108,active,prepaid,1599,usd,2021-03-14\r\n\
         +12025550109,active,postpaid,,USD,\r\n\
         +12025550110,active,postpaid,,USD,14.03.2021\r\n\
         +12025550111,active\r\n\
         +12025550112,active,postpaid,,USD,2021-03-14,more\r\n\
         \r\n\
         +12025550113,active,postpaid,,USD,2021-03-14"
    );
    let (report, complaints) = import_text(&db, &text).await;
    assert_eq!(report.expect("has its header"), ImportReport { imported: 3, refused: 10, earlier: 0 });
    let columns = [
        "msisdn",
        "status",
        "type",
        "balance",
        "balance",
        "currency",
        "activated_on",
        "activated_on",
        "type",
    ];
    for (n, column) in columns.iter().enumerate() {
        let begin = format!("line {}, column {column}:", n + 4);
        assert!(complaints[n].starts_with(&begin), "{} is not {begin}", complaints[n]);
    }
    assert!(complaints.iter().all(|complaint| !complaint.contains("555")), "no number is repeated");
    for (number, is_there) in [("+12025550102", true), ("+12025550109", false), ("+12025550113", true)] {
        let index = test_vault().index_number(&Msisdn::parse(number).expect("is E.164"));
        let account = db.store.find_account(index).await.expect("works");
        assert_eq!(account.is_some(), is_there, "{number}");
    }
}

async fn another_file_is_refused_whole(db: TestStore) {
    for text in
        ["", "\n", "msisdn,status\n", "msisdn;status;type;balance;currency;activated_on\n", "PK\u{3}\u{4}"]
    {
        assert!(matches!(import_text(&db, text).await.0, Err(ImportError::Header(_))), "{text:?}");
    }
}

/// Status and subscriber of a number's account.
async fn find(db: &TestStore, number: &str) -> Option<(&'static str, String)> {
    let index = test_vault().index_number(&Msisdn::parse(number).expect("is E.164"));
    let account = db.store.find_account(index).await.expect("works");
    account.map(|known| (known.account.status.as_str(), known.subscriber_ref))
}

async fn contradictory_lines_about_a_number_are_all_refused(db: TestStore) {
    let first = format!("{HEADER}\n+12025550101,active,postpaid,,USD,2021-03-14\n");
    assert_eq!(import_text(&db, &first).await.0.expect("is sound").imported, 1);
    let mut text = format!(
        "{HEADER}\n\
         +12025550101,active,postpaid,,USD,2021-03-14\n\
         +12025550102,active,postpaid,,USD,2021-03-14\n\
         (202) 555-0101,ceased,postpaid,,USD,2018-05-21\n\
         202-555-0102,active,postpaid,,,2021-03-14\n"
    );
    // Far apart, so that they would be in different transactions.
    for n in 0..600 {
        writeln!(text, "+1202556{n:04},active,prepaid,5,USD,2021-03-14").expect("a string takes it");
    }
    text += "+12025560000,active,prepaid,6,USD,2021-03-14\n";
    let (report, complaints) = import_text(&db, &text).await;
    assert_eq!(report.expect("has its header"), ImportReport { imported: 600, refused: 4, earlier: 0 });
    assert_eq!(
        complaints,
        [(2, 4), (4, 2), (6, 606), (606, 6)].map(|(line, other)| format!(
            "line {line}, column msisdn: line {other} says otherwise of this number"
        ))
    );
    assert_eq!(find(&db, "+12025550101").await, Some(("active", "2021-03-14".to_owned())), "as before");
    assert!(find(&db, "+12025550102").await.is_some(), "a repeated line says nothing else");
    assert!(find(&db, "+12025560000").await.is_none() && find(&db, "+12025560599").await.is_some());
}

async fn latest_subscriber_of_a_number_is_taken_on_request(db: TestStore) {
    let text = format!(
        "{HEADER}\n\
         +12025550101,active,postpaid,,USD,2021-03-14\n\
         +12025550101,ceased,postpaid,,USD,2018-05-21\n\
         +12025550102,ceased,postpaid,,USD,2018-05-21\n\
         +12025550102,active,postpaid,,USD,2021-03-14\n\
         +12025550102,active,postpaid,,USD,2021-03-14\n\
         +12025550103,ceased,postpaid,,USD,2018-05-21\n\
         +12025550103,active,postpaid,,USD,2021-03-14\n\
         +12025550103,suspended,postpaid,,USD,2021-03-14\n"
    );
    let (report, complaints) = import_text(&db, &text).await;
    assert_eq!(report.expect("has its header"), ImportReport { imported: 0, refused: 8, earlier: 0 });
    assert_eq!(complaints.len(), 8, "{complaints:?}");
    let (report, complaints) = import_with(&db, TwoSubscribers::LatestIsPresent, &text).await;
    assert_eq!(report.expect("has its header"), ImportReport { imported: 2, refused: 2, earlier: 3 });
    let left_out = [(3, 2), (4, 5), (7, 8)].map(|(line, other)| {
        format!("line {line}, column activated_on: left out, line {other} has a later subscriber")
    });
    let refused = [(8, 9), (9, 8)].map(|(line, other)| {
        format!("line {line}, column msisdn: line {other} says otherwise of this number")
    });
    assert_eq!(complaints, [&left_out[..], &refused[..]].concat());
    for number in ["+12025550101", "+12025550102"] {
        assert_eq!(find(&db, number).await, Some(("active", "2021-03-14".to_owned())));
    }
    assert_eq!(find(&db, "+12025550103").await, None, "its latest lines contradict each other");
}
