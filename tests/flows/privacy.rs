//! Where a number may be, and where it must never be: every journey with a known number, and then a search for it.

use crate::world::customer::Choice;
use crate::world::{ACCOUNTS, EDGE, NETFLIX, World};
use http::Method;
use onbill_tests::place::Place;
use serde_json::json;
use std::io;
use std::sync::{Arc, Mutex};
use tracing_subscriber::fmt::MakeWriter;

const GOOD: &str = "+12025550101";
const SUSPENDED: &str = "+12025550105";

/// The number in every spelling that a careless line of code could give it.
fn spellings(e164: &str) -> Vec<String> {
    let digits = e164.trim_start_matches('+');
    let national = &digits[1..];
    let spaced = format!("{} {} {}", &national[..3], &national[3..6], &national[6..]);
    let hex = |text: &str| {
        text.bytes()
            .flat_map(|b| [b >> 4, b & 15])
            .filter_map(|n| char::from_digit(n.into(), 16))
            .collect::<String>()
    };
    let base64 = |text: &str| onbill_domain::encoding::base64url(text.as_bytes());
    vec![
        national.to_owned(),
        spaced.clone(),
        spaced.replace(' ', "-"),
        format!("({}) {}-{}", &national[..3], &national[3..6], &national[6..]),
        hex(national),
        base64(e164),
        base64(digits),
        base64(national),
        format!("%2B{digits}"),
    ]
}

fn assert_absent(place: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes).to_lowercase();
    for number in [GOOD, SUSPENDED] {
        for spelling in spellings(number) {
            let at = text.find(&spelling.to_lowercase());
            assert!(at.is_none(), "{place} has a number as {spelling}");
        }
        let utf16: Vec<u8> = number[1..].encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!bytes.windows(utf16.len()).any(|window| window == utf16), "{place} has a number in UTF-16");
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("is whole").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn a_number_stays_between_the_customer_and_the_operator() {
    let log = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    // For the whole process: what the other tests log must not have these numbers in it either.
    tracing::subscriber::set_global_default(subscriber).expect("is the only one");

    let world = World::new();
    world.acme.import(ACCOUNTS.0).await;
    world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
    world.go_back(&world.acme).await;
    world.billing_run("2026-12").await;
    world.enter_listed(&world.acme, SUSPENDED).await;
    world.enter_listed(&world.acme, GOOD).await;
    // The partner's app brings the number itself; what it gets for it has none.
    for body in [json!({"msisdn": GOOD, "operator": "acme"}), json!({"msisdn": GOOD, "operator": "nova"})] {
        for path in ["/ott/v1/account/validate", "/ott/v1/pin"] {
            world.ott(Method::POST, path, body.clone()).await;
        }
    }
    // Garbage around a number, where parsers complain.
    for body in [
        json!({"msisdn": GOOD}),
        json!({"pai": GOOD}),
        json!({"extTransactionID": "x", "pai": 12_025_550_101_u64}),
    ] {
        world.ott(Method::POST, "/ott/v1/transaction", body.clone()).await;
        world.ott(Method::POST, "/ott/v1/account/validate", body.clone()).await;
        world.widget("/account/validate", body.clone()).await;
    }
    world.enter(&world.acme, &format!("{GOOD} ext 5")).await;
    world.acme.deliver().await;

    assert_absent("the edge's log", world.edge.log_lines().join("\n").as_bytes());
    let log = log.0.lock().expect("is whole").clone();
    assert!(log.len() > 1000, "the origin's log was captured");
    // The stand-in operator and partner log through the same subscriber; so much the better.
    assert_absent("the origin's log", &log);
    for (key, value) in world.edge.kv_entries() {
        assert_absent("KV", format!("{key} {value}").as_bytes());
    }
    for crossing in world.network.crossings() {
        if crossing.authority == NETFLIX {
            assert_absent("traffic to the partner", format!("{crossing:?}").as_bytes());
        }
        let own_pages = ["/sms?", "/bill?"].iter().any(|page| crossing.path.starts_with(page));
        if !own_pages {
            assert_absent("a URL", crossing.path.as_bytes());
        }
        if crossing.authority == EDGE && crossing.path.starts_with("/ott/") {
            assert_absent("an answer to the partner", crossing.answered.as_bytes());
        }
    }
    let Place::Sqlite(path) = &world.acme.place else { panic!("is a file") };
    for ending in ["", "-wal"] {
        let file = format!("{}{ending}", path.display());
        let bytes = std::fs::read(&file).expect("is there");
        assert!(!bytes.is_empty());
        assert_absent("the database", &bytes);
    }
    assert_eq!(world.partner_accounts().await["leaks"], json!([]));
}
