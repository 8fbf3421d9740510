//! A partner's messages to its subscribers, and the search for their words.

use super::{EVE, deliver_all};
use http::Method;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::spellings::{Search, spell_encoded};
use onbill_test_harness::{NetworkFault, TestSystem};
use serde_json::{Value, json};

const WORDS: &str = "between the two of us only";

/// A partner's messages to its subscribers: sent, refused in every way, and still queued when the
/// database is searched.
pub(super) async fn are_sent(system: &TestSystem) {
    system.sign_up(&system.acme, EVE, AccountChoice::New("eva@example.com")).await;
    let pai = json!(system.pai_of("eva@example.com").await);
    let say = async |pai: &Value, message: &str, name: &str| {
        let body = json!({"pai": pai, "message": message, "extNotificationID": name});
        system.call_ott(Method::POST, "/ott/v1/notification", body).await.0.as_u16()
    };
    let unknown = json!("00000000-0000-4000-8000-000000000000");
    for (pai, message, name, status) in [
        (&pai, WORDS.to_owned(), "m-1", 202),
        (&pai, WORDS.to_owned(), "m-1", 202),
        (&pai, format!("{WORDS}!"), "m-1", 422),
        (&pai, format!("{WORDS}\n"), "m-2", 400),
        (&pai, WORDS.repeat(9), "m-2", 400),
        (&unknown, WORDS.to_owned(), "m-2", 404),
    ] {
        assert_eq!(say(pai, &message, name).await, status, "{name}");
    }
    deliver_all(system).await;
    // The gateway does not respond.
    system.network.inject_fault("127.0.0.1:8790/csp/notification", NetworkFault::Lost);
    for name in ["m-3", "m-4", "m-5", "m-6"] {
        assert_eq!(say(&pai, WORDS, name).await, 202);
    }
    assert_eq!(say(&pai, WORDS, "m-7").await, 429);
    deliver_all(system).await;
    system.network.clear_faults();
}

pub(super) fn message_search() -> Search {
    Search::for_spellings(spell_encoded(WORDS))
}

/// Only edge, origin and gateway receive the words, and none of them repeats them.
pub(super) async fn search_for_messages(system: &TestSystem, words: &Search) {
    let waits = system.acme.app().store.next_due(Queue::Notifications).await;
    assert!(waits.expect("works").is_some(), "there is something to find in the ledger");
    words.assert_absent("the origin's log", &LogCapture::capture_process().to_bytes());
    words.assert_absent("the edge's log", system.edge.log_lines().join("\n").as_bytes());
    words.assert_absent("the edge's store", format!("{:?}", system.edge.kv_entries()).as_bytes());
    let mut found = 0;
    for crossing in system.network.raw_calls() {
        let path = crossing.path.as_str();
        words.assert_absent("a URL", path.as_bytes());
        words.assert_absent(&format!("the answer of {path}"), &crossing.response);
        if ["/ott/v1/notification", "/csp/notification"].contains(&path) {
            found += usize::from(words.find_spelling(&crossing.request).is_some());
        } else {
            words.assert_absent(&format!("a call of {path}"), &crossing.request);
        }
    }
    assert!(found > 10, "the words are found where they are: {found}");
}
