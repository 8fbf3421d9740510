//! What happens to an account, through origin, edge and partner: the rule of the PAI.

mod callers;
mod delivery;
mod sim_swaps;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_origin::lifecycle::event_file::{Books, Report, follow_file};
use onbill_origin::store::Queue;
use onbill_test_harness::customer::{Choice, charge};
use onbill_test_harness::{ACCOUNTS, EDGE, Holder, Mishap, NETFLIX, Seat, World, keys};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
/// A number of Acme's that nobody has signed up with.
const OTHER: &str = "+12025550107";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

/// An event that happens now.
pub(crate) fn event(world: &World, id: &str, what: &str, number: &str) -> Value {
    json!({"eventID": id, "type": what, "msisdn": number, "occurredAt": world.now().to_string()})
}

fn number_changed(world: &World, id: &str, from: &str, to: &str) -> Value {
    let mut event = event(world, id, "number-changed", from);
    event["newMSISDN"] = json!(to);
    event
}

/// The call of the operator's systems that reports it.
fn reported(world: &World, seat: &Seat, by: &(Holder, KeyUse, &str), event: &Value) -> Request<Bytes> {
    let mut request = Request::post(format!("http://{}/operator/v1/account-events", seat.origin))
        .header("content-type", "application/json")
        .body(Bytes::from(event.to_string()))
        .expect("is a request");
    let ring = keys::ring(&by.0);
    let key = ring.signing_key(by.1, by.2).expect("is there");
    sign_request(&mut request, key, world.now(), &world.nonce()).expect("signs");
    request
}

pub(crate) async fn report(world: &World, event: &Value) -> (StatusCode, Value) {
    let by = (Holder::Operator("acme"), KeyUse::OperatorToOrigin, "operator:acme");
    world.send(reported(world, &world.acme, &by, event)).await
}

/// Reports an event of this moment, which is followed.
pub(crate) async fn happens(world: &World, id: &str, what: &str, number: &str) {
    assert_eq!(report(world, &event(world, id, what, number)).await, (StatusCode::OK, answer(id, "APPLIED")));
}

fn answer(id: &str, outcome: &str) -> Value {
    json!({"eventID": id, "outcome": outcome})
}

/// Posts a charge; gives its status and why it is declined.
pub(crate) async fn charged(world: &World, pai: &str, id: &str) -> (String, Option<String>) {
    let (_, answer) = world.ott(Method::POST, "/ott/v1/transaction", charge(pai, id, 1599)).await;
    let text = |member: &str| answer[member].as_str().map(str::to_owned);
    (text("status").expect("has one"), text("declineReason"))
}

pub(crate) fn approved() -> (String, Option<String>) {
    ("APPROVED".to_owned(), None)
}

pub(crate) fn declined(reason: &str) -> (String, Option<String>) {
    ("DECLINED".to_owned(), Some(reason.to_owned()))
}

/// What the partner was told of a customer's account.
pub(crate) async fn told(world: &World, email: &str) -> Value {
    assert_eq!(world.partner_charges().await["contradictions"], json!([]));
    let accounts = world.partner_accounts().await["accounts"].as_array().cloned().unwrap_or_default();
    let account = accounts.into_iter().find(|account| account["email"] == email).expect("is a member");
    account["pays"]["told"].clone()
}

/// State and version that the edge's store has.
pub(crate) fn stored(world: &World, pai: &str) -> (Value, Value) {
    let value = world.edge.kv_value(&format!("pai/{pai}")).expect("is there");
    let mapping: Value = serde_json::from_str(&value).expect("is JSON");
    (mapping["state"].clone(), mapping["version"].clone())
}

/// How often a call to this address has arrived.
fn arrived(world: &World, authority: &str, path: &str) -> usize {
    let crossings = world.network.crossings();
    crossings.iter().filter(|crossing| crossing.authority == authority && crossing.path == path).count()
}

#[tokio::test]
async fn a_suspended_account_is_on_hold_until_it_is_resumed() {
    let (world, pai) = World::signed_up(GOOD).await;
    happens(&world, "e-1", "suspended", GOOD).await;
    assert_eq!(charged(&world, &pai, "c-1").await, declined("account-on-hold"));
    world.acme.deliver().await;
    assert_eq!(
        told(&world, "ann@example.com").await,
        json!({"pai": pai, "state": "SUSPENDED", "sequence": 2})
    );
    assert_eq!(stored(&world, &pai), (json!("SUSPENDED"), json!(2)));
    world.pass_seconds(3_600);
    happens(&world, "e-2", "resumed", GOOD).await;
    assert_eq!(charged(&world, &pai, "c-2").await, approved());
    world.acme.deliver().await;
    assert_eq!(told(&world, "ann@example.com").await, json!({"pai": pai, "state": "ACTIVE", "sequence": 3}));
    assert_eq!(stored(&world, &pai), (json!("ACTIVE"), json!(3)));
    assert_eq!(world.acme.app().store.next_due(Queue::All).await.expect("works"), None);
}

#[tokio::test]
async fn whoever_leaves_is_never_charged_again_and_still_gets_money_back() {
    for (what, reason) in [
        ("ceased", "account-closed"),
        ("ported-out", "account-closed"),
        ("ownership-changed", "account-closed-taken-over"),
    ] {
        let (world, pai) = World::signed_up(GOOD).await;
        assert_eq!(charged(&world, &pai, "c-1").await, approved());
        happens(&world, "e-1", what, GOOD).await;
        assert_eq!(charged(&world, &pai, "c-2").await, declined(reason), "{what}");
        world.acme.deliver().await;
        let closed = json!({"pai": pai, "state": "CLOSED", "reason": reason, "sequence": 2});
        assert_eq!(told(&world, "ann@example.com").await, closed, "{what}");
        assert_eq!(stored(&world, &pai), (json!("CLOSED"), json!(2)), "a tombstone");
        let refund = json!({"extRefundID": "r-1", "reason": "Left"});
        let (status, given_back) = world.ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
        assert_eq!((status, &given_back["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{what}");
        // Nothing opens it again.
        for (id, what) in [("e-2", "resumed"), ("e-3", "activated")] {
            let late = report(&world, &event(&world, id, what, GOOD)).await;
            assert_eq!(late, (StatusCode::OK, answer(id, "NO_SUBSCRIBER")));
        }
        assert_eq!(charged(&world, &pai, "c-3").await, declined(reason), "{what}");
        world.acme.deliver().await;
        assert_eq!(told(&world, "ann@example.com").await, closed, "{what}");
    }
}

#[tokio::test]
async fn a_charge_that_waits_while_its_subscriber_leaves_is_declined() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.network.disturb(BILLING, Mishap::Lost);
    assert_eq!(charged(&world, &pai, "c-1").await.0, "PENDING");
    world.network.mend();
    // To somebody whose account the operator cannot tell from the last one.
    happens(&world, "e-1", "ownership-changed", GOOD).await;
    world.acme.import(ACCOUNTS.0).await;
    world.pass_seconds(361);
    world.acme.deliver().await;
    let (_, now) = world.ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(
        (&now["status"], &now["declineReason"]),
        (&json!("DECLINED"), &json!("account-closed-taken-over"))
    );
    assert!(world.bill(&world.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn a_subscriber_with_another_number_goes_on_and_the_old_number_is_somebody_elses() {
    let (world, pai) = World::signed_up(GOOD).await;
    assert_eq!(charged(&world, &pai, "c-1").await, approved());
    let before = stored(&world, &pai);
    let moved = number_changed(&world, "e-1", GOOD, OTHER);
    assert_eq!(report(&world, &moved).await, (StatusCode::OK, answer("e-1", "APPLIED")));
    assert_eq!(charged(&world, &pai, "c-2").await, approved());
    assert_eq!(
        (world.bill(&world.acme, GOOD).await.len(), world.bill(&world.acme, OTHER).await.len()),
        (1, 1)
    );
    world.acme.deliver().await;
    assert_eq!(told(&world, "ann@example.com").await, Value::Null, "nobody has to hear of it");
    assert_eq!(stored(&world, &pai), before);

    // The number that she gave up goes to Bea, who proves it and gets a PAI of her own.
    let header = "msisdn,status,type,balance,currency,activated_on";
    world.acme.import(&format!("{header}\n{GOOD},active,postpaid,,USD,2026-11-20\n")).await;
    world.sign_up(&world.acme, GOOD, Choice::New("bea@example.com")).await;
    let beas = world.pai_of("bea@example.com").await;
    assert_ne!(beas, pai);
    assert_eq!(charged(&world, &pai, "c-3").await, approved());
    assert_eq!(charged(&world, &beas, "c-4").await, approved());
    assert_eq!(
        (world.bill(&world.acme, GOOD).await.len(), world.bill(&world.acme, OTHER).await.len()),
        (2, 2)
    );
    for crossing in world.network.crossings() {
        let outside =
            crossing.authority == NETFLIX || crossing.authority == EDGE && !crossing.path.contains("widget");
        assert!(!outside || !crossing.has("2025550107"), "{}", crossing.path);
    }
}

#[tokio::test]
async fn a_number_that_is_given_out_again_never_pays_for_its_last_holder() {
    let (world, pai) = World::signed_up(GOOD).await;
    happens(&world, "e-1", "ceased", GOOD).await;
    world.pass_seconds(90 * 86_400);
    let again = report(&world, &event(&world, "e-2", "activated", GOOD)).await;
    assert_eq!(again, (StatusCode::OK, answer("e-2", "NO_SUBSCRIBER")));
    world.sign_up(&world.acme, GOOD, Choice::New("bea@example.com")).await;
    let beas = world.pai_of("bea@example.com").await;
    assert_ne!(beas, pai);
    assert_eq!(charged(&world, &pai, "c-1").await, declined("account-closed"));
    assert!(world.bill(&world.acme, GOOD).await.is_empty());
    assert_eq!(charged(&world, &beas, "c-2").await, approved());
    // The old holder's news, come late, is not hers.
    let mut late = event(&world, "e-3", "ported-out", GOOD);
    late["occurredAt"] = json!(world.now().plus_seconds(-90 * 86_400).to_string());
    assert_eq!(report(&world, &late).await, (StatusCode::OK, answer("e-3", "SUPERSEDED")));
    assert_eq!(charged(&world, &beas, "c-3").await, approved());
}

#[tokio::test]
async fn events_are_on_record_once_whatever_they_are() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.sign_up(&world.acme, OTHER, Choice::New("bea@example.com")).await;
    let suspended = event(&world, "e-1", "suspended", GOOD);
    world.pass_seconds(60);
    happens(&world, "e-2", "resumed", GOOD).await;
    // What came first is told last; and again; and otherwise.
    for _ in 0..2 {
        assert_eq!(report(&world, &suspended).await, (StatusCode::OK, answer("e-1", "SUPERSEDED")));
    }
    for (member, value) in [("type", "ceased"), ("msisdn", OTHER), ("occurredAt", "2026-11-18T00:00:00Z")] {
        let mut other = suspended.clone();
        other[member] = json!(value);
        let (status, refusal) = report(&world, &other).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (422, &json!("idempotency-violation")), "{member}");
    }
    for (event, outcome) in [
        (number_changed(&world, "e-3", GOOD, OTHER), "CONTRADICTORY"),
        (event(&world, "e-4", "ceased", "+12025550199"), "NO_SUBSCRIBER"),
        (event(&world, "e-5", "activated", GOOD), "APPLIED"),
        (event(&world, "e-6", "resumed", GOOD), "APPLIED"),
    ] {
        let id = event["eventID"].as_str().expect("is text");
        assert_eq!(report(&world, &event).await, (StatusCode::OK, answer(id, outcome)));
    }
    assert_eq!(charged(&world, &pai, "c-1").await, approved());
    assert_eq!(
        (world.bill(&world.acme, GOOD).await.len(), world.bill(&world.acme, OTHER).await.len()),
        (1, 0)
    );
}

#[tokio::test]
async fn a_file_says_the_same_as_calls_and_names_its_bad_lines() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.sign_up(&world.acme, OTHER, Choice::New("bea@example.com")).await;
    let (now, future) = (world.now(), world.now().plus_seconds(301));
    let file = format!(
        "\u{feff}event_id,type,msisdn,new_msisdn,occurred_at\r\n\
         e-1,suspended,(202) 555-0101,,{now}\r\n\
         e-2,stolen,{GOOD},,{now}\r\n\
         e-3,ceased,nobody,,{now}\r\n\
         e-4,number-changed,{GOOD},,{now}\r\n\
         e-5,ceased,{GOOD},{OTHER},{now}\r\n\
         e-6,ceased,{GOOD},,yesterday\r\n\
         e-7,ceased,{GOOD},,{future}\r\n\
         e-8,ceased\r\n\
         e-1,ceased,{GOOD},,{now}\r\n\
         e-9,number-changed,{GOOD},{OTHER},{now}\r\n\
         ,ceased,{GOOD},,{now}\r\n\
         e-1,suspended,{GOOD},,{now}\r\n\
         e-10,ceased,+12025550199,,{now}\r\n"
    );
    let app = world.acme.app();
    let books = Books { store: &*app.store, vault: &app.vault, numbers: app.numbers, random: &*app.random };
    let mut complaints = Vec::new();
    let complain = |complaint| complaints.push(complaint);
    let report = follow_file(books, file.as_bytes(), || now, complain, |_| {}).await.expect("has its header");
    let expected = Report { applied: 2, superseded: 0, no_subscriber: 1, contradictory: 1, refused: 9 };
    assert_eq!(report, expected, "{complaints:#?}");
    let places: Vec<&str> = complaints.iter().filter_map(|text| Some(text.split_once(':')?.0)).collect();
    let expected = [
        "line 3, column type",
        "line 4, column msisdn",
        "line 5, column new_msisdn",
        "line 6, column new_msisdn",
        "line 7, column occurred_at",
        "line 8, column occurred_at",
        "line 9, column msisdn",
        "line 10, column event_id",
        "line 11, column new_msisdn",
        "line 12, column event_id",
    ];
    assert_eq!(places, expected);
    assert!(
        complaints.iter().all(|text| !text.contains("0101") && !text.contains("nobody")),
        "{complaints:#?}"
    );
    assert_eq!(charged(&world, &pai, "c-1").await, declined("account-on-hold"));
    let other = follow_file(books, &b"id,type\n"[..], || now, |_| {}, |_| {}).await;
    assert!(other.is_err(), "another file");
}
