//! Invalid messages, callers who may not send any, and a compromised edge: nothing reaches a phone.

use super::{
    GOOD, OTHER, PATH, expected_acceptance, expected_refusal, message_body, named_message_body,
    nothing_waits, received_messages, send_message, status_and_code,
};
use bytes::Bytes;
use http::{HeaderName, Method, Request};
use onbill_domain::key::KeyUse;
use onbill_domain::signature::sign_request;
use onbill_test_harness::customer::AccountChoice;
use onbill_test_harness::{KeyHolder, TestSystem, keys};
use serde_json::json;

#[tokio::test]
async fn invalid_message_is_refused_at_edge_and_origin() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    for (bad, why) in [
        (json!({}), "pai is missing"),
        (json!({"pai": pai}), "message is missing"),
        (json!({"pai": GOOD, "message": "Hello"}), "not a"),
        (json!({"pai": pai, "message": ["Hello"]}), "message: expected a string"),
        (named_message_body(&pai, "Hello", "a b"), "not an identifier"),
        (message_body(&pai, ""), "1 to 150"),
        (message_body(&pai, &"é".repeat(151)), "1 to 150"),
        (message_body(&pai, &"📱".repeat(76)), "1 to 150"),
        (message_body(&pai, "Hello\nAcme Mobile: 123456 is your code"), "one line"),
        (message_body(&pai, "Hello                      Acme Mobile: call us"), "one line"),
        (message_body(&pai, "Hello\u{2028}Acme Mobile: call us"), "one line"),
        (message_body(&pai, "\u{202e}elibom emcA"), "one line"),
        (message_body(&pai, " Hello"), "one line"),
    ] {
        let answer = system.call_ott(Method::POST, PATH, bad.clone()).await;
        assert!(answer.1["message"].to_string().contains(why), "{bad} {answer:?}");
        assert!(!answer.1["message"].to_string().contains("Hello"), "{answer:?}");
        assert_eq!(status_and_code(answer), expected_refusal(400, "invalid-request"), "{bad}");
        // At an origin whose edge validates nothing.
        let passed_on = system.send_request(system.forward_as_edge(PATH, &bad)).await;
        assert_eq!(status_and_code(passed_on), expected_refusal(400, "invalid-request"), "{bad}");
    }
    assert!(nothing_waits(&system).await);
}

#[tokio::test]
async fn message_needs_an_open_pai_of_the_partner() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let unknown = "00000000-0000-4000-8000-000000000000";
    assert_eq!(
        send_message(&system, message_body(unknown, "Hello")).await,
        expected_refusal(404, "pai-not-found")
    );
    let tunes = keys::keyring(&KeyHolder::Partner("tunes"));
    let other = system.sign_with(&tunes, &Method::POST, PATH, &message_body(&pai, "Hello"));
    assert_eq!(status_and_code(system.send_request(other).await), expected_refusal(404, "pai-not-found"));
    system
        .acme
        .app()
        .store
        .close_pai(
            system.now(),
            onbill_domain::ids::PartnerId::parse("netflix").expect("is a slug"),
            onbill_domain::pai::Pai::parse(&pai).expect("is one"),
            onbill_domain::decline_reason::DeclineReason::PaiRevokedByUser,
        )
        .await
        .expect("works");
    assert_eq!(
        send_message(&system, message_body(&pai, "Hello")).await,
        expected_refusal(404, "pai-not-found")
    );
    system.acme.deliver_due().await;
    assert_eq!(
        send_message(&system, message_body(&pai, "Hello")).await,
        expected_refusal(404, "pai-not-found"),
        "the edge knows it too"
    );
    assert!(nothing_waits(&system).await);
}

#[tokio::test]
async fn message_needs_its_partners_fresh_signature() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let body = message_body(&pai, "Hello");
    let unsigned = TestSystem::unsigned_request(&Method::POST, PATH, &body);
    assert_eq!(
        status_and_code(system.send_request(unsigned).await),
        expected_refusal(401, "authorization-failure")
    );
    let mut other_words = system.sign_as_partner(&Method::POST, PATH, &body);
    *other_words.body_mut() = Bytes::from(message_body(&pai, "Goodbye").to_string());
    assert_eq!(
        status_and_code(system.send_request(other_words).await),
        expected_refusal(401, "authorization-failure")
    );
    // Intercepted on its way: it is sent once, however often it arrives.
    let heard_on_its_way = system.sign_as_partner(&Method::POST, PATH, &body);
    assert_eq!(status_and_code(system.send_request(heard_on_its_way.clone()).await), expected_acceptance());
    for seconds in [0, 300] {
        system.advance_seconds(seconds);
        system.acme.app().sweep().await.expect("works");
        let again = system.send_request(heard_on_its_way.clone()).await;
        assert_eq!(status_and_code(again), expected_refusal(401, "authorization-failure"));
    }
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: Hello"]);
}

#[tokio::test]
async fn edge_in_the_wrong_hands_says_nothing() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, OTHER, AccountChoice::New("cleo@example.com")).await;
    let cleo = system.pai_of("cleo@example.com").await;
    let ring = keys::keyring(&KeyHolder::Edge);
    let key = ring.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("is there");
    let genuine = system.sign_as_partner(&Method::POST, PATH, &message_body(&pai, "Hello"));
    let forged = |body: Bytes, signed: bool| {
        let mut request = Request::post(format!("http://{}{PATH}", system.acme.origin_address))
            .header("content-type", "application/json")
            .body(body)
            .expect("is a request");
        if signed {
            for name in ["signature-input", "signature"] {
                let passed_on = HeaderName::try_from(format!("onbill-partner-{name}")).expect("is a name");
                request.headers_mut().insert(passed_on, genuine.headers()[name].clone());
            }
        }
        sign_request(&mut request, key, system.now(), &system.next_nonce()).expect("signs");
        request
    };
    let bytes = |body: serde_json::Value| Bytes::from(body.to_string());
    for request in [
        forged(bytes(message_body(&pai, "Hello")), false),
        forged(bytes(message_body(&pai, "Goodbye")), true),
        forged(bytes(message_body(&cleo, "Hello")), true),
    ] {
        assert_eq!(
            status_and_code(system.send_request(request).await),
            expected_refusal(401, "authorization-failure")
        );
    }
    assert!(nothing_waits(&system).await);
    // The genuine one passes once: forwarding is the edge's purpose.
    let passed_on = forged(genuine.body().clone(), true);
    assert_eq!(status_and_code(system.send_request(passed_on).await), expected_acceptance());
    let again = forged(genuine.body().clone(), true);
    assert_eq!(
        status_and_code(system.send_request(again).await),
        expected_refusal(401, "authorization-failure")
    );
    assert_eq!(received_messages(&system, GOOD).await, ["Netflix: Hello"]);
    assert_eq!(received_messages(&system, OTHER).await, [""; 0]);
}
