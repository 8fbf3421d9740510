//! What must not leak on a coupon's way through an SMSC with faults: neither its code nor the
//! number, in any spelling, in the log or in the file of the database.

use super::impatient;
use crate::coupon_system::{CouponSystem, code_in};
use crate::smsc_link::{GOOD, Log, RIGHT};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::spellings::Search;
use serde_json::json;
use std::path::Path;

/// On one thread, as only its log is captured.
#[tokio::test]
async fn codes_and_numbers_are_not_logged_or_stored() {
    let (log, _logging) = Log::begin();
    let place = TestDb::new_sqlite_file(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let TestDb::Sqlite(db_path) = &place else { unreachable!("is a file") };
    let db_path = db_path.clone();
    let system = CouponSystem::open(place, &impatient()).await;
    for fault in ["throttle", "drop-after", "hang-after", "silent", "none"] {
        system.trouble(json!({"smsc": fault, "receipts": "failed"})).await;
        system.sell(fault, "ar").await;
        system.deliver().await;
        system.trouble(json!({"receipts": "strange"})).await;
        system.until_bound().await;
        system.deliver_until("it is sent", async || system.coupon(fault).await["state"] != "ISSUED").await;
    }
    system.enter_number().await;
    system.deliver().await;
    let texts = system.inbox().await;
    let codes: Vec<String> =
        texts.iter().filter(|text| text.contains("AC")).map(|text| code_in(text).to_owned()).collect();
    system.redeem(&codes[0], "r-1").await;
    system.redeem(&codes[0], "r-2").await;
    // One stays queued permanently.
    system.trouble(json!({"smsc": "throttle"})).await;
    system.sell("c-unsent", "en").await;
    system.deliver().await;

    let search = Search::for_numbers(&[GOOD]).with_codes(&codes);
    let log = log.text();
    assert!(log.contains("EsmeRthrottled") && log.contains("the connection to the SMSC is lost"), "{log}");
    search.assert_absent("the log", log.as_bytes());
    assert!(!log.contains(RIGHT) && !log.contains("m-0000"), "a password or a message's id is said");
    for ending in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{ending}", db_path.display())).expect("is there");
        search.assert_absent("the ledger", &bytes);
    }
    assert!(codes.len() > 4 && search.find(texts[0].as_bytes()).is_some(), "{} codes", codes.len());
}
