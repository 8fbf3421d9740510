//! What a partner says to its subscribers, and the search for its words.

use super::{EVE, deliver, log};
use http::Method;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::Choice;
use onbill_test_harness::spellings::{Search, encoded};
use onbill_test_harness::{Mishap, World};
use serde_json::{Value, json};

/// What the partner says.
const WORDS: &str = "between the two of us only";

/// What a partner says to its subscribers: sent, refused in every way, and waiting still when the books are searched.
pub(super) async fn are_sent(world: &World) {
    world.sign_up(&world.acme, EVE, Choice::New("eva@example.com")).await;
    let pai = json!(world.pai_of("eva@example.com").await);
    let say = async |pai: &Value, message: &str, name: &str| {
        let body = json!({"pai": pai, "message": message, "extNotificationID": name});
        world.ott(Method::POST, "/ott/v1/notification", body).await.0.as_u16()
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
    deliver(world).await;
    // The gateway does not answer.
    world.network.disturb("127.0.0.1:8790/csp/notification", Mishap::Lost);
    for name in ["m-3", "m-4", "m-5", "m-6"] {
        assert_eq!(say(&pai, WORDS, name).await, 202);
    }
    assert_eq!(say(&pai, WORDS, "m-7").await, 429);
    deliver(world).await;
    world.network.mend();
}

/// The search for its words.
pub(super) fn search() -> Search {
    Search::of(encoded(WORDS))
}

/// Only edge, origin and gateway are told the words, and none of them repeats what it was told.
pub(super) async fn search_what_was_said(world: &World, words: &Search) {
    let waits = world.acme.app().store.next_due(Queue::Notifications).await;
    assert!(waits.expect("works").is_some(), "there is something to find in the books");
    words.assert_absent("the origin's log", &log().0.lock().expect("is whole").clone());
    words.assert_absent("the edge's log", world.edge.log_lines().join("\n").as_bytes());
    words.assert_absent("the edge's store", format!("{:?}", world.edge.kv_entries()).as_bytes());
    let mut told = 0;
    for crossing in world.network.raw_crossings() {
        let path = crossing.path.as_str();
        words.assert_absent("a URL", path.as_bytes());
        words.assert_absent(&format!("the answer of {path}"), &crossing.answered);
        if ["/ott/v1/notification", "/csp/notification"].contains(&path) {
            told += usize::from(words.find(&crossing.asked).is_some());
        } else {
            words.assert_absent(&format!("a call of {path}"), &crossing.asked);
        }
    }
    assert!(told > 10, "the words are what was said: {told}");
}
