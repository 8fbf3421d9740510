//! What happens to an account, through origin, edge and partner: the rule of the PAI.

mod callers;
mod delivery;
mod sim_swaps;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_origin::lifecycle::event_file::{EventFileReport, EventImport, apply_event_file};
use onbill_origin::line_problem::LineProblem;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{
    ACME_ACCOUNTS, EDGE, KeyHolder, NETFLIX, NetworkFault, TestOperator, TestSystem, keys,
};
use serde_json::{Value, json};

const GOOD: &str = "+12025550101";
/// A number of Acme's that has no sign-up.
const OTHER: &str = "+12025550107";
const BILLING: &str = "127.0.0.1:8790/csp/transaction";

/// An event that happens now.
pub(crate) fn event_body(system: &TestSystem, id: &str, what: &str, number: &str) -> Value {
    json!({"eventID": id, "type": what, "msisdn": number, "occurredAt": system.now().to_string()})
}

pub(crate) fn number_changed(system: &TestSystem, id: &str, from: &str, to: &str) -> Value {
    let mut event = event_body(system, id, "number-changed", from);
    event["newMSISDN"] = json!(to);
    event
}

/// The call of the operator's systems that reports it.
pub(crate) fn event_request(
    system: &TestSystem,
    operator: &TestOperator,
    by: &(KeyHolder, KeyUse, &str),
    event: &Value,
) -> Request<Bytes> {
    let mut request = Request::post(format!("http://{}/operator/v1/account-events", operator.origin_address))
        .header("content-type", "application/json")
        .body(Bytes::from(event.to_string()))
        .expect("is a request");
    let ring = keys::keyring(&by.0);
    let key = ring.signing_key(by.1, by.2).expect("is there");
    sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
    request
}

pub(crate) async fn report_event(system: &TestSystem, event: &Value) -> (StatusCode, Value) {
    let by = (KeyHolder::Operator("acme"), KeyUse::OperatorToOrigin, "operator:acme");
    system.send_request(event_request(system, &system.acme, &by, event)).await
}

/// Reports an event that happens now, and expects that it is applied.
pub(crate) async fn report_applied_event(system: &TestSystem, id: &str, what: &str, number: &str) {
    assert_eq!(
        report_event(system, &event_body(system, id, what, number)).await,
        (StatusCode::OK, expected_answer(id, "APPLIED"))
    );
}

fn expected_answer(id: &str, outcome: &str) -> Value {
    json!({"eventID": id, "outcome": outcome})
}

/// Posts a charge. Returns its status and the decline reason.
pub(crate) async fn charge_outcome(system: &TestSystem, pai: &str, id: &str) -> (String, Option<String>) {
    let (_, answer) = system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(pai, id, 1599)).await;
    let text = |member: &str| answer[member].as_str().map(str::to_owned);
    (text("status").expect("has one"), text("declineReason"))
}

pub(crate) fn approved_outcome() -> (String, Option<String>) {
    ("APPROVED".to_owned(), None)
}

pub(crate) fn declined_outcome(reason: &str) -> (String, Option<String>) {
    ("DECLINED".to_owned(), Some(reason.to_owned()))
}

/// The account state that was reported to the partner.
pub(crate) async fn partner_state_of(system: &TestSystem, email: &str) -> Value {
    assert_eq!(system.partner_charges().await["contradictions"], json!([]));
    let accounts = system.partner_accounts().await["accounts"].as_array().cloned().unwrap_or_default();
    let account = accounts.into_iter().find(|account| account["email"] == email).expect("is a member");
    account["pays"]["reported"].clone()
}

/// State and version in the edge's store.
pub(crate) fn stored_states(system: &TestSystem, pai: &str) -> (Value, Value) {
    let value = system.edge.kv_value(&format!("pai/{pai}")).expect("is there");
    let mapping: Value = serde_json::from_str(&value).expect("is JSON");
    (mapping["state"].clone(), mapping["version"].clone())
}

/// How often a call to this address has arrived.
fn count_arrived(system: &TestSystem, authority: &str, path: &str) -> usize {
    let crossings = system.network.recorded_calls();
    crossings.iter().filter(|crossing| crossing.authority == authority && crossing.path == path).count()
}

#[tokio::test]
async fn suspended_account_holds_charges_until_resumed() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    report_applied_event(&system, "e-1", "suspended", GOOD).await;
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, declined_outcome("account-on-hold"));
    system.acme.deliver_due().await;
    assert_eq!(
        partner_state_of(&system, "ann@example.com").await,
        json!({"pai": pai, "state": "SUSPENDED", "sequence": 2})
    );
    assert_eq!(stored_states(&system, &pai), (json!("SUSPENDED"), json!(2)));
    system.advance_seconds(3_600);
    report_applied_event(&system, "e-2", "resumed", GOOD).await;
    assert_eq!(charge_outcome(&system, &pai, "c-2").await, approved_outcome());
    system.acme.deliver_due().await;
    assert_eq!(
        partner_state_of(&system, "ann@example.com").await,
        json!({"pai": pai, "state": "ACTIVE", "sequence": 3})
    );
    assert_eq!(stored_states(&system, &pai), (json!("ACTIVE"), json!(3)));
    assert_eq!(system.acme.app().store.next_due(Queue::All).await.expect("works"), None);
}

#[tokio::test]
async fn former_subscriber_is_refunded_and_never_charged() {
    for (what, reason) in [
        ("ceased", "account-closed"),
        ("ported-out", "account-closed"),
        ("ownership-changed", "account-closed-taken-over"),
    ] {
        let (system, pai) = TestSystem::with_subscriber(GOOD).await;
        assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
        report_applied_event(&system, "e-1", what, GOOD).await;
        assert_eq!(charge_outcome(&system, &pai, "c-2").await, declined_outcome(reason), "{what}");
        system.acme.deliver_due().await;
        let closed = json!({"pai": pai, "state": "CLOSED", "reason": reason, "sequence": 2});
        assert_eq!(partner_state_of(&system, "ann@example.com").await, closed, "{what}");
        assert_eq!(stored_states(&system, &pai), (json!("CLOSED"), json!(2)), "a tombstone");
        let refund = json!({"extRefundID": "r-1", "reason": "Left"});
        let (status, given_back) =
            system.call_ott(Method::POST, "/ott/v1/transaction/c-1/refund", refund).await;
        assert_eq!((status, &given_back["status"]), (StatusCode::CREATED, &json!("APPROVED")), "{what}");
        // No event opens it again.
        for (id, what) in [("e-2", "resumed"), ("e-3", "activated")] {
            let late = report_event(&system, &event_body(&system, id, what, GOOD)).await;
            assert_eq!(late, (StatusCode::OK, expected_answer(id, "NO_SUBSCRIBER")));
        }
        assert_eq!(charge_outcome(&system, &pai, "c-3").await, declined_outcome(reason), "{what}");
        system.acme.deliver_due().await;
        assert_eq!(partner_state_of(&system, "ann@example.com").await, closed, "{what}");
    }
}

#[tokio::test]
async fn waiting_charge_is_declined_when_subscriber_leaves() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.network.inject_fault(BILLING, NetworkFault::Lost);
    assert_eq!(charge_outcome(&system, &pai, "c-1").await.0, "PENDING");
    system.network.clear_faults();
    // A change to an owner whom the operator's data cannot tell from the last one.
    report_applied_event(&system, "e-1", "ownership-changed", GOOD).await;
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.advance_seconds(361);
    system.acme.deliver_due().await;
    let (_, now) = system.call_ott(Method::GET, "/ott/v1/transaction/c-1", Value::Null).await;
    assert_eq!(
        (&now["status"], &now["declineReason"]),
        (&json!("DECLINED"), &json!("account-closed-taken-over"))
    );
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn pai_follows_subscriber_to_another_number() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
    let before = stored_states(&system, &pai);
    let moved = number_changed(&system, "e-1", GOOD, OTHER);
    assert_eq!(report_event(&system, &moved).await, (StatusCode::OK, expected_answer("e-1", "APPLIED")));
    assert_eq!(charge_outcome(&system, &pai, "c-2").await, approved_outcome());
    assert_eq!(
        (
            system.bill_lines(&system.acme, GOOD).await.len(),
            system.bill_lines(&system.acme, OTHER).await.len()
        ),
        (1, 1)
    );
    system.acme.deliver_due().await;
    assert_eq!(partner_state_of(&system, "ann@example.com").await, Value::Null, "nobody has to hear of it");
    assert_eq!(stored_states(&system, &pai), before);

    // The number that Ann gave up goes to Bea, who proves it and gets a PAI of her own.
    let header = "msisdn,status,type,balance,currency,activated_on";
    system.acme.import_accounts(&format!("{header}\n{GOOD},active,postpaid,,USD,2026-11-20\n")).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    let beas = system.pai_of("bea@example.com").await;
    assert_ne!(beas, pai);
    assert_eq!(charge_outcome(&system, &pai, "c-3").await, approved_outcome());
    assert_eq!(charge_outcome(&system, &beas, "c-4").await, approved_outcome());
    assert_eq!(
        (
            system.bill_lines(&system.acme, GOOD).await.len(),
            system.bill_lines(&system.acme, OTHER).await.len()
        ),
        (2, 2)
    );
    for crossing in system.network.recorded_calls() {
        let outside =
            crossing.authority == NETFLIX || crossing.authority == EDGE && !crossing.path.contains("widget");
        assert!(!outside || !crossing.contains("2025550107"), "{}", crossing.path);
    }
}

#[tokio::test]
async fn reassigned_number_never_pays_for_previous_subscriber() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    report_applied_event(&system, "e-1", "ceased", GOOD).await;
    system.advance_seconds(90 * 86_400);
    let again = report_event(&system, &event_body(&system, "e-2", "activated", GOOD)).await;
    assert_eq!(again, (StatusCode::OK, expected_answer("e-2", "NO_SUBSCRIBER")));
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
    let beas = system.pai_of("bea@example.com").await;
    assert_ne!(beas, pai);
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, declined_outcome("account-closed"));
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
    assert_eq!(charge_outcome(&system, &beas, "c-5").await, approved_outcome());
    // A late event about the previous subscriber does not concern her.
    let mut late = event_body(&system, "e-3", "ported-out", GOOD);
    late["occurredAt"] = json!(system.now().plus_seconds(-90 * 86_400).to_string());
    assert_eq!(report_event(&system, &late).await, (StatusCode::OK, expected_answer("e-3", "SUPERSEDED")));
    assert_eq!(charge_outcome(&system, &beas, "c-6").await, approved_outcome());
}

#[tokio::test]
async fn events_are_on_record_once_whatever_they_are() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, OTHER, AccountChoice::New("bea@example.com")).await;
    let suspended = event_body(&system, "e-1", "suspended", GOOD);
    system.advance_seconds(60);
    report_applied_event(&system, "e-2", "resumed", GOOD).await;
    // The earlier event is reported last; then again; then with other contents.
    for _ in 0..2 {
        assert_eq!(
            report_event(&system, &suspended).await,
            (StatusCode::OK, expected_answer("e-1", "SUPERSEDED"))
        );
    }
    for (member, value) in [("type", "ceased"), ("msisdn", OTHER), ("occurredAt", "2026-11-18T00:00:00Z")] {
        let mut other = suspended.clone();
        other[member] = json!(value);
        let (status, refusal) = report_event(&system, &other).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (422, &json!("idempotency-violation")), "{member}");
    }
    for (event, outcome) in [
        (number_changed(&system, "e-3", GOOD, OTHER), "CONTRADICTORY"),
        (event_body(&system, "e-4", "ceased", "+12025550199"), "NO_SUBSCRIBER"),
        (event_body(&system, "e-5", "activated", GOOD), "APPLIED"),
        (event_body(&system, "e-6", "resumed", GOOD), "APPLIED"),
    ] {
        let id = event["eventID"].as_str().expect("is text");
        assert_eq!(report_event(&system, &event).await, (StatusCode::OK, expected_answer(id, outcome)));
    }
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, approved_outcome());
    assert_eq!(
        (
            system.bill_lines(&system.acme, GOOD).await.len(),
            system.bill_lines(&system.acme, OTHER).await.len()
        ),
        (1, 0)
    );
}

#[tokio::test]
async fn events_of_one_second_keep_their_order() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let now = system.now().to_string();
    // The one that happened last is reported first.
    for (id, what, fraction, outcome) in
        [("e-1", "suspended", ".8Z", "APPLIED"), ("e-2", "resumed", ".2Z", "SUPERSEDED")]
    {
        let mut event = event_body(&system, id, what, GOOD);
        event["occurredAt"] = json!(now.replace('Z', fraction));
        assert_eq!(report_event(&system, &event).await, (StatusCode::OK, expected_answer(id, outcome)));
    }
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, declined_outcome("account-on-hold"));
}

#[tokio::test]
async fn event_file_equals_calls_and_names_bad_lines() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, OTHER, AccountChoice::New("bea@example.com")).await;
    let (now, future) = (system.now(), system.now().plus_seconds(301));
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
         e-11,ceased,{GOOD},,{now}\r\n\
         e-9,number-changed,{GOOD},{OTHER},{now}\r\n\
         ,ceased,{GOOD},,{now}\r\n\
         e-1,suspended,{GOOD},,{now}\r\n\
         e-10,ceased,+12025550199,,{now}\r\n\
         e-11,ported-out,{GOOD},,{now}\r\n"
    );
    let app = system.acme.app();
    let event_import = EventImport {
        store: &app.store,
        vault: &app.vault,
        numbers: app.numbers,
        random: &*app.random,
        instruments: &app.instruments,
    };
    let mut complaints = Vec::new();
    let complain = |problem: LineProblem| complaints.push(problem.text);
    let report = apply_event_file(event_import, file.as_bytes(), || now, complain, |_| {})
        .await
        .expect("has its header");
    let expected =
        EventFileReport { applied: 2, superseded: 0, no_subscriber: 1, contradictory: 1, refused: 10 };
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
        "line 12, column event_id",
        "line 10, column event_id",
        "line 15, column event_id",
        "line 11, column new_msisdn",
    ];
    assert_eq!(places, expected);
    assert!(
        complaints.iter().all(|text| !text.contains("0101") && !text.contains("nobody")),
        "{complaints:#?}"
    );
    assert_eq!(charge_outcome(&system, &pai, "c-1").await, declined_outcome("account-on-hold"));
    let again = format!("event_id,type,msisdn,new_msisdn,occurred_at\ne-1,ceased,{GOOD},,{now}\n");
    let mut complaints = Vec::new();
    let complain = |problem: LineProblem| complaints.push(problem.text);
    let report = apply_event_file(event_import, again.as_bytes(), || now, complain, |_| {}).await;
    assert_eq!(report.expect("has its header").refused, 1);
    assert_eq!(complaints, ["line 2, column event_id: was used for another event"]);
    let other = apply_event_file(event_import, &b"id,type\n"[..], || now, |_| {}, |_| {}).await;
    assert!(other.is_err(), "another file");
}
