//! What must not leak on a coupon's way through an SMSC with faults: neither its code nor the
//! number, in any spelling, in the log or in the file of the database.

use super::short_timeouts;
use crate::coupon_system::{CouponSystem, code_in};
use crate::smsc_link::{GOOD, RIGHT};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::db_folder;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::spellings::Search;
use serde_json::json;
use tracing::Level;

/// On one thread, as only its log is captured.
#[tokio::test]
async fn codes_and_numbers_are_not_logged_or_stored() {
    let (log, _logging) = LogCapture::capture_thread(Level::TRACE);
    let place = TestDb::new_sqlite_file(&db_folder());
    let TestDb::Sqlite(db_path) = &place else { unreachable!("is a file") };
    let db_path = db_path.clone();
    let system = CouponSystem::open_with(place, &short_timeouts()).await;
    for fault in ["throttle", "drop-after", "hang-after", "silent", "none"] {
        system.inject_faults(json!({"smsc": fault, "receipts": "failed"})).await;
        system.issue_coupon(fault, "ar").await;
        system.deliver_due().await;
        system.inject_faults(json!({"receipts": "strange"})).await;
        system.until_bound().await;
        system
            .deliver_until("it is sent", async || system.find_coupon(fault).await["state"] != "ISSUED")
            .await;
    }
    system.enter_number().await;
    system.deliver_due().await;
    let texts = system.read_inbox().await;
    let codes: Vec<String> =
        texts.iter().filter(|text| text.contains("AC")).map(|text| code_in(text).to_owned()).collect();
    system.redeem_code(&codes[0], "r-1").await;
    system.redeem_code(&codes[0], "r-2").await;
    // One stays queued permanently.
    system.inject_faults(json!({"smsc": "throttle"})).await;
    system.issue_coupon("c-unsent", "en").await;
    system.deliver_due().await;

    let search = Search::for_numbers(&[GOOD]).with_codes(&codes);
    let log = log.to_text();
    assert!(log.contains("EsmeRthrottled") && log.contains("the connection to the SMSC is lost"), "{log}");
    search.assert_absent("the log", log.as_bytes());
    assert!(!log.contains(RIGHT) && !log.contains("m-0000"), "a password or a message's id is said");
    for ending in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{ending}", db_path.display())).expect("is there");
        search.assert_absent("the ledger", &bytes);
    }
    assert!(codes.len() > 4 && search.find_spelling(texts[0].as_bytes()).is_some(), "{} codes", codes.len());
}
