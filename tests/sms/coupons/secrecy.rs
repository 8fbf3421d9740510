//! What must not leak on a coupon's way through an SMSC with faults: neither its code nor the
//! number, in any spelling, in the log or in the file of the database.

use super::impatient;
use crate::market::{Market, code_in};
use crate::scene::{GOOD, Log, RIGHT};
use onbill_test_harness::database::TestDb;
use onbill_test_harness::spellings::Search;
use serde_json::json;
use std::path::Path;

/// On one thread, as only its log is captured.
#[tokio::test]
async fn codes_and_numbers_are_not_logged_or_stored() {
    let (log, _logging) = Log::begin();
    let place = TestDb::new_sqlite_file(Path::new(env!("CARGO_TARGET_TMPDIR")));
    let TestDb::Sqlite(books) = &place else { unreachable!("is a file") };
    let books = books.clone();
    let market = Market::open(place, &impatient()).await;
    for fault in ["throttle", "drop-after", "hang-after", "silent", "none"] {
        market.trouble(json!({"smsc": fault, "receipts": "failed"})).await;
        market.sell(fault, "ar").await;
        market.deliver().await;
        market.trouble(json!({"receipts": "strange"})).await;
        market.until_bound().await;
        market.deliver_until("it is sent", async || market.coupon(fault).await["state"] != "ISSUED").await;
    }
    market.enter_number().await;
    market.deliver().await;
    let texts = market.inbox().await;
    let codes: Vec<String> =
        texts.iter().filter(|text| text.contains("AC")).map(|text| code_in(text).to_owned()).collect();
    market.redeem(&codes[0], "r-1").await;
    market.redeem(&codes[0], "r-2").await;
    // One stays queued permanently.
    market.trouble(json!({"smsc": "throttle"})).await;
    market.sell("c-unsent", "en").await;
    market.deliver().await;

    let search = Search::for_numbers(&[GOOD]).with_codes(&codes);
    let log = log.text();
    assert!(log.contains("EsmeRthrottled") && log.contains("the connection to the SMSC is lost"), "{log}");
    search.assert_absent("the log", log.as_bytes());
    assert!(!log.contains(RIGHT) && !log.contains("m-0000"), "a password or a message's id is said");
    for ending in ["", "-wal"] {
        let bytes = std::fs::read(format!("{}{ending}", books.display())).expect("is there");
        search.assert_absent("the books", &bytes);
    }
    assert!(codes.len() > 4 && search.find(texts[0].as_bytes()).is_some(), "{} codes", codes.len());
}
