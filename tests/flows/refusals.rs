//! What a refused customer reads, and what is not disclosed before a number is proven.

use http::StatusCode;
use onbill_domain::msisdn::Msisdn;
use onbill_origin::store::Queue;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::log_capture::LogCapture;
use onbill_test_harness::{ACME_ACCOUNTS, NetworkFault, TestSystem};
use serde_json::{Value, json};
use tracing::Level;

const GOOD: &str = "+12025550101";
const POOR: &str = "+12025550104";
const SUSPENDED: &str = "+12025550105";
const CEASED: &str = "+12025550106";
const UNKNOWN: &str = "+12025550199";

async fn start_system() -> TestSystem {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system
}

/// The response without what differs from call to call by its nature.
fn answer_shape(answer: &(StatusCode, Value)) -> (StatusCode, Value) {
    let mut body = answer.1.clone();
    if let Some(flow) = body.get_mut("flow") {
        *flow = json!(flow.as_str().map(str::len));
    }
    (answer.0, body)
}

#[tokio::test]
async fn every_number_gets_same_response_until_proven() {
    let system = start_system().await;
    let expected = answer_shape(&system.enter_number(&system.acme, GOOD).await);
    assert_eq!(expected.1["step"], "pin");
    let others = [POOR, SUSPENDED, CEASED, UNKNOWN, "(202) 555-0101", "٢٠٢٥٥٥٠١٠١", "202-555-0199"];
    for number in others {
        assert_eq!(answer_shape(&system.enter_number(&system.acme, number).await), expected, "{number}");
    }
    for foreign in ["+34612345601", "+44 7911 123456"] {
        let (status, refusal) = system.enter_number(&system.acme, foreign).await;
        assert_eq!((status.as_u16(), &refusal["code"]), (400, &json!("number-foreign")), "{foreign}");
        assert_eq!(
            refusal["words"]["number-foreign"],
            "This number is from another country. Please enter your {operator} number.",
            "the frame names the operator"
        );
    }
    // Only numbers whose line receives SMS get one.
    assert_eq!(system.sms_received(&system.acme, SUSPENDED).await.len(), 1);
    for silent in [CEASED, UNKNOWN] {
        let got_sms = system
            .network
            .recorded_calls()
            .iter()
            .any(|c| c.path == "/csp/notification" && c.contains(silent));
        assert!(!got_sms, "{silent}");
    }
}

#[tokio::test]
async fn wrong_pin_for_unknown_number_looks_the_same() {
    let system = start_system().await;
    let mut answers = Vec::new();
    for number in [GOOD, UNKNOWN] {
        let (_, step) = system.enter_number(&system.acme, number).await;
        let right = if number == GOOD { system.read_pin(&system.acme, GOOD).await } else { String::new() };
        let wrong = if right == "000000" { "111111" } else { "000000" };
        let mut seen = Vec::new();
        for _ in 0..6 {
            seen.push(
                system
                    .call_widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": wrong}))
                    .await,
            );
        }
        answers.push(seen);
    }
    assert_eq!(answers[0], answers[1]);
    let codes: Vec<_> =
        answers[0].iter().map(|(status, body)| (status.as_u16(), body["code"].clone())).collect();
    assert_eq!(codes[..4], vec![(400, json!("pin-invalid")); 4]);
    assert_eq!(codes[4..], vec![(429, json!("too-many-requests")); 2]);
}

#[tokio::test]
async fn proven_number_gets_its_next_step() {
    let system = start_system().await;
    for (number, code) in [(POOR, "insufficient-balance"), (SUSPENDED, "suspended-non-payment")] {
        let (_, step) = system.enter_number(&system.acme, number).await;
        let pin = system.read_pin(&system.acme, number).await;
        let (_, answer) =
            system.call_widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": pin})).await;
        assert_eq!(answer["code"], code);
    }
    for (number, code) in
        [(CEASED, "account-not-found"), (UNKNOWN, "account-not-found"), (POOR, "insufficient-balance")]
    {
        let (_, answer) = system.enter_session_number(&system.acme, number).await;
        assert_eq!(answer["code"], code);
    }
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let (status, answer) = system.enter_session_number(&system.acme, GOOD).await;
    assert_eq!((status, &answer["step"]), (StatusCode::OK, &json!("already-on-bill")));
}

#[tokio::test]
async fn account_status_is_checked_again_at_the_signup() {
    let system = start_system().await;
    let flow = system.prove_number(&system.acme, GOOD).await;
    system
        .acme
        .import_accounts(&ACME_ACCOUNTS.replace("+12025550101,active", "+12025550101,suspended"))
        .await;
    let (_, answer) = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
    assert_eq!(answer["code"], "suspended-non-payment");
}

#[tokio::test]
async fn pins_expire_and_are_ten_then_one_an_hour() {
    let system = start_system().await;
    let (_, step) = system.enter_number(&system.acme, GOOD).await;
    let pin = system.read_pin(&system.acme, GOOD).await;
    system.advance_seconds(600);
    let (_, answer) =
        system.call_widget("/pin", json!({"operator": "acme", "flow": step["flow"], "pin": pin})).await;
    assert_eq!(answer["code"], "pin-expired");
    for number in [GOOD, UNKNOWN] {
        let used = usize::from(number == GOOD);
        for _ in used..10 {
            assert_eq!(system.enter_number(&system.acme, number).await.0, StatusCode::OK);
        }
        let (status, answer) = system.enter_number(&system.acme, number).await;
        assert_eq!((status, &answer["code"]), (StatusCode::TOO_MANY_REQUESTS, &json!("too-many-requests")));
    }
    system.advance_seconds(3_600);
    assert_eq!(system.enter_number(&system.acme, GOOD).await.0, StatusCode::OK);
    assert_eq!(system.enter_number(&system.acme, GOOD).await.0, StatusCode::TOO_MANY_REQUESTS);
}

/// The customer enters a number with a session of the dashboard that lists another one.
async fn enter_beside_session(system: &TestSystem, number: &str) -> (StatusCode, Value) {
    let session = system.acme.sandbox.assertion(vec![Msisdn::parse(POOR).expect("is E.164")]).expect("signs");
    let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": number, "locale": "en",
                      "session": session});
    system.call_widget("/account/validate", body).await
}

#[tokio::test]
async fn strangers_do_not_lock_a_subscriber_out() {
    let system = start_system().await;
    for _ in 0..12 {
        system.enter_number(&system.acme, GOOD).await;
    }
    assert_eq!(system.enter_number(&system.acme, GOOD).await.0, StatusCode::TOO_MANY_REQUESTS);
    // Logged in at the dashboard, by the number itself or by another one of theirs.
    assert_eq!(system.enter_session_number(&system.acme, GOOD).await.1["step"], "confirm");
    assert_eq!(enter_beside_session(&system, GOOD).await.1["step"], "pin");
    // Or an hour later, as a stranger too.
    system.advance_seconds(3_600);
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
}

#[tokio::test]
async fn pin_flood_stops_at_its_share_of_the_hour() {
    let mut system = start_system().await;
    system.reconfigure_acme(|config| config.pins_per_hour = 6.try_into().expect("is some"));
    let (log, _capturing) = LogCapture::capture_thread(Level::ERROR);
    let refusal = |answer: &(StatusCode, Value)| (answer.0.as_u16(), answer.1["code"].clone());
    let over = (429, json!("too-many-requests"));
    // Numbers that do not exist count as those that do.
    for number in [UNKNOWN, GOOD, "+12025550198"] {
        assert_eq!(system.enter_number(&system.acme, number).await.0, StatusCode::OK);
    }
    for number in ["+12025550197", POOR, SUSPENDED] {
        assert_eq!(refusal(&system.enter_number(&system.acme, number).await), over, "{number}");
    }
    assert_eq!(log.count("pin-ceiling-reached"), 1);
    for number in [GOOD, "+12025550196", "+12025550195"] {
        assert_eq!(enter_beside_session(&system, number).await.1["step"], "pin", "{number}");
    }
    assert_eq!(refusal(&enter_beside_session(&system, SUSPENDED).await), over);
    assert_eq!(log.count("pin-ceiling-reached"), 2);
    // Whoever needs no PIN signs up, and a number is proven by the PIN that it had.
    assert_eq!(system.enter_session_number(&system.acme, GOOD).await.1["step"], "confirm");
    system.advance_seconds(3_600);
    assert_eq!(system.enter_number(&system.acme, GOOD).await.0, StatusCode::OK);
}

#[tokio::test]
async fn expired_pin_is_not_sent() {
    let system = start_system().await;
    system.network.inject_fault("127.0.0.1:8790/csp/notification", NetworkFault::Lost);
    system.enter_number(&system.acme, GOOD).await;
    assert_eq!(system.acme.deliver_due().await, 1);
    system.network.clear_faults();
    system.advance_seconds(600);
    assert!(system.sms_received(&system.acme, GOOD).await.is_empty());
    assert_eq!(system.acme.app().store.next_due(Queue::All).await.expect("works"), None, "and is gone");
}

#[tokio::test]
async fn invalid_number_or_offer_is_refused_first() {
    let system = start_system().await;
    for typed in [
        "",
        "abc",
        "1-800-FLOWERS",
        "12345",
        &"9".repeat(96),
        &"9".repeat(9000),
        "+1202555010111111",
        "\u{0}",
    ] {
        let (status, answer) = system.enter_number(&system.acme, typed).await;
        assert_eq!(
            (status, &answer["code"]),
            (StatusCode::BAD_REQUEST, &json!("invalid-request")),
            "{typed}"
        );
    }
    let body = |key: &str, value: Value| {
        let mut body =
            json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "en"});
        body[key] = value;
        body
    };
    for (bad, code) in [
        (body("offer", json!("netflix-premium")), "parameter-not-supported"),
        (body("offer", json!(5)), "invalid-request"),
        (body("locale", json!("xx")), "invalid-request"),
        (body("msisdn", json!(12_025_550_101_u64)), "invalid-request"),
        (body("returnURL", json!("https://evil.example/")), "invalid-request"),
        (body("returnURL", json!("javascript:alert(1)")), "invalid-request"),
        (body("session", json!("not.a.token")), "token-invalid"),
    ] {
        let (_, answer) = system.call_widget("/account/validate", bad.clone()).await;
        assert_eq!(answer["code"], code, "{bad}");
    }
    assert_eq!(system.acme.deliver_due().await, 0, "nothing was put into the outbox");
}

#[tokio::test]
async fn session_is_valid_for_its_time_and_numbers() {
    let system = start_system().await;
    let session = system.acme.sandbox.assertion(vec![]).expect("signs");
    let ask = |session: String| {
        let body = json!({"operator": "acme", "offer": "netflix-standard", "msisdn": GOOD, "locale": "en",
                          "session": session});
        system.call_widget("/account/validate", body)
    };
    assert_eq!(ask(session.clone()).await.1["step"], "pin", "a number that is not listed proves itself");
    let of_another = Msisdn::parse(POOR).expect("is E.164");
    let of_another = system.acme.sandbox.assertion(vec![of_another]).expect("signs");
    assert_eq!(ask(of_another).await.1["step"], "pin", "nor does another's session prove it");
    let mut forged = session.clone();
    forged.replace_range(40..41, if &session[40..41] == "A" { "B" } else { "A" });
    assert_eq!(ask(forged).await.1["code"], "token-invalid");
    system.advance_seconds(900);
    assert_eq!(ask(session).await.1["code"], "token-expired");
}

#[tokio::test]
async fn number_reassigned_during_signup_is_not_proven() {
    let system = start_system().await;
    let by_pin = system.prove_number(&system.acme, GOOD).await;
    let (_, step) = system.enter_session_number(&system.acme, GOOD).await;
    let by_session = step["flow"].as_str().expect("is text").to_owned();
    system.acme.import_accounts(&ACME_ACCOUNTS.replace("2021-03-14", "2026-11-18")).await;
    let unmarked = by_pin.split_once('.').expect("is marked").0.to_owned();
    for flow in [by_pin, by_session, format!("{unmarked}.x"), unmarked] {
        let (status, answer) = system.call_widget("/signup", json!({"operator": "acme", "flow": flow})).await;
        assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("token-expired")), "{flow}");
    }
    assert!(system.edge.kv_entries().is_empty(), "nobody got a PAI");
    // The new subscriber proves the number for themselves.
    system.sign_up(&system.acme, GOOD, AccountChoice::New("bea@example.com")).await;
}
