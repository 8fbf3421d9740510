//! A compromised edge: an attacker with its keys and its network can refuse service, but can
//! neither take money nor make one customer pay for another.

use axum::Router;
use axum::body::{Body, to_bytes};
use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use onbill_domain::ids::{OfferId, OperatorId, PartnerId};
use onbill_domain::key::{KeyUse, Keyring};
use onbill_domain::pai::Pai;
use onbill_domain::signature::sign_request;
use onbill_domain::token::{self, ISSUER, SignupClaims};
use onbill_domain::wire::edge::{PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER};
use onbill_test_harness::customer::{AccountChoice, charge_body};
use onbill_test_harness::{ACME_ACCOUNTS, EDGE, KeyHolder, TestSystem, keys};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const GOOD: &str = "+12025550101";

/// Signs towards the origin with the edge's own key, as a thief of the edge's secrets can.
fn as_the_edge(system: &TestSystem, stolen: &Keyring, request: &mut Request<Bytes>, nonce: &str) {
    let key = stolen.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("the edge has it");
    sign_request(request, key, system.now(), nonce).expect("signs");
}

fn to_origin(system: &TestSystem, path: &str, body: &Value) -> Request<Bytes> {
    Request::post(format!("http://{}{path}", system.acme.origin_address))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("is a request")
}

#[tokio::test]
async fn edges_secrets_do_not_make_a_charge() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let stolen = keys::keyring(&KeyHolder::Edge);
    let charge = |id: &str| charge_body(&pai, id, 1599);
    let path = "/ott/v1/transaction";

    // 1. Its own signature only; 2. its own signature in place of the partner's.
    let mut bare = to_origin(&system, path, &charge("t-1"));
    as_the_edge(&system, &stolen, &mut bare, "thief-nonce-0001");
    let mut posing = bare.clone();
    for (from, to) in
        [("signature-input", "onbill-partner-signature-input"), ("signature", "onbill-partner-signature")]
    {
        let value = posing.headers()[from].clone();
        posing.headers_mut().insert(to, value);
    }
    // 3. The partner's genuine signature over another charge.
    let genuine = system.sign_as_partner(&Method::POST, path, &charge("t-1"));
    let mut swapped = to_origin(&system, path, &charge("t-2"));
    for (from, to) in
        [("signature-input", "onbill-partner-signature-input"), ("signature", "onbill-partner-signature")]
    {
        swapped.headers_mut().insert(to, genuine.headers()[from].clone());
    }
    as_the_edge(&system, &stolen, &mut swapped, "thief-nonce-0003");
    // 4. The edge does not even hold the key that signs for the partner.
    let public =
        stolen.signing_key(KeyUse::PartnerCall, "partner:netflix").expect("the edge verifies with it");
    assert_eq!(public.sign(b"anything"), None);
    for (n, request) in [bare, posing, swapped].into_iter().enumerate() {
        assert_eq!(system.send_request(request).await.0, StatusCode::UNAUTHORIZED, "case {}", n + 1);
    }
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());

    // The genuine call, forwarded with the stolen key, does pass: forwarding is the edge's purpose.
    let mut forwarded = to_origin(&system, path, &charge("t-1"));
    for (from, to) in
        [("signature-input", "onbill-partner-signature-input"), ("signature", "onbill-partner-signature")]
    {
        forwarded.headers_mut().insert(to, genuine.headers()[from].clone());
    }
    as_the_edge(&system, &stolen, &mut forwarded, "thief-nonce-0004");
    assert_eq!(system.send_request(forwarded.clone()).await.0, StatusCode::CREATED);
    // It passes once: re-signing the outer call does not make the partner's nonce fresh.
    as_the_edge(&system, &stolen, &mut forwarded, "thief-nonce-0005");
    assert_eq!(system.send_request(forwarded).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn edges_secrets_give_no_money_back() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "t-1", 1599)).await;
    system.call_ott(Method::POST, "/ott/v1/transaction", charge_body(&pai, "t-2", 1599)).await;
    let stolen = keys::keyring(&KeyHolder::Edge);
    let (path, body) = ("/ott/v1/transaction/t-1/refund", json!({"extRefundID": "r-1", "reason": "x"}));
    let mut bare = to_origin(&system, path, &body);
    as_the_edge(&system, &stolen, &mut bare, "thief-nonce-0011");
    // The partner's genuine refund of one charge, sent as that of another: the path is signed as
    // well.
    let genuine = system.forward_as_edge(path, &body);
    let mut moved = to_origin(&system, "/ott/v1/transaction/t-2/refund", &body);
    for name in ["onbill-partner-signature-input", "onbill-partner-signature"] {
        moved.headers_mut().insert(name, genuine.headers()[name].clone());
    }
    as_the_edge(&system, &stolen, &mut moved, "thief-nonce-0012");
    for request in [bare, moved] {
        assert_eq!(system.send_request(request).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 2);
    assert_eq!(system.send_request(genuine.clone()).await.0, StatusCode::CREATED);
    let mut again = genuine;
    as_the_edge(&system, &stolen, &mut again, "thief-nonce-0013");
    assert_eq!(system.send_request(again).await.0, StatusCode::UNAUTHORIZED, "once");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 3);
}

#[tokio::test]
async fn partner_signature_alone_does_not_bypass_edge() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let charge = charge_body(&pai, "t-1", 1599);
    let genuine = system.sign_as_partner(&Method::POST, "/ott/v1/transaction", &charge);
    let mut direct = to_origin(&system, "/ott/v1/transaction", &charge);
    for (from, to) in [
        ("content-digest", "content-digest"),
        ("signature-input", "onbill-partner-signature-input"),
        ("signature", "onbill-partner-signature"),
    ] {
        direct.headers_mut().insert(to, genuine.headers()[from].clone());
    }
    assert_eq!(system.send_request(direct).await.0, StatusCode::UNAUTHORIZED);
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn origin_redirects_nowhere_that_the_edge_chooses() {
    let system = TestSystem::start();
    let stolen = keys::keyring(&KeyHolder::Edge);
    let ask = async |return_url: &str, nonce: &str| {
        let body =
            json!({"offer": "netflix-standard", "msisdn": GOOD, "locale": "en", "returnURL": return_url});
        let mut request = to_origin(&system, "/edge/v1/validate", &body);
        as_the_edge(&system, &stolen, &mut request, nonce);
        system.send_request(request).await.0
    };
    assert_eq!(ask("https://evil.example/", "thief-nonce-0001").await, StatusCode::BAD_REQUEST);
    assert_eq!(ask("http://127.0.0.1:8790/done", "thief-nonce-0002").await, StatusCode::OK);
}

#[tokio::test]
async fn token_unknown_to_the_origin_is_worthless() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    let stolen = keys::keyring(&KeyHolder::Edge);
    let now = system.now().unix_seconds();
    let claims = SignupClaims {
        iss: ISSUER.to_owned(),
        aud: PartnerId::parse("netflix").expect("is a slug"),
        sub: Pai::from_random([9; 16]),
        op: OperatorId::parse("acme").expect("is a slug"),
        offer: OfferId::parse("netflix-standard").expect("is a slug"),
        jti: "made-up".to_owned(),
        iat: now,
        exp: now + 300,
    };
    let key = stolen.signing_key(KeyUse::SignupToken, "operator:acme").expect("the edge verifies with it");
    let token = token::sign(key, &claims).expect("signs");
    let body = json!({"token": token, "extReference": "r-1"});
    let (status, answer) = system.call_ott(Method::POST, "/ott/v1/token/validate", body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("token-invalid")));
}

/// A compromised edge: it forwards calls with the stolen key, and changes the responses as it
/// likes.
fn send_stolen_call(
    system: &TestSystem,
    makes_of: impl Fn(Response<Bytes>) -> Response<Bytes> + Clone + Send + Sync + 'static,
) -> Router {
    let (network, now, stolen) = (Arc::clone(&system.network), system.now(), keys::keyring(&KeyHolder::Edge));
    let (drawn, origin) = (Arc::new(AtomicU32::new(0)), system.acme.origin_address);
    Router::new().fallback(move |request: axum::extract::Request| async move {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 1 << 14).await.expect("is small");
        let mut onward = Request::builder()
            .method(parts.method)
            .uri(format!("http://{origin}{}", parts.uri.path()))
            .header("content-type", "application/json")
            .header(PARTNER_SIGNATURE_INPUT_HEADER, parts.headers["signature-input"].clone())
            .header(PARTNER_SIGNATURE_HEADER, parts.headers["signature"].clone())
            .body(body)
            .expect("is a request");
        let key = stolen.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("the edge has it");
        let nonce = format!("thief-nonce-{:06}", drawn.fetch_add(1, Ordering::Relaxed));
        sign_request(&mut onward, key, now, &nonce).expect("signs");
        makes_of(network.exchange_undisturbed(onward).await.expect("answers")).map(Body::from)
    })
}

#[tokio::test]
async fn pai_cannot_be_swapped_in_a_response() {
    const TOKEN: &str = "/ott/v1/token/validate";
    let (system, victim) = TestSystem::with_subscriber(GOOD).await;
    system.sign_up(&system.acme, "+12025550102", AccountChoice::New("eve@example.com")).await;
    let own = system.pai_of("eve@example.com").await;
    let asked = system.network.calls_to(EDGE, TOKEN);
    let [of_the_victim, of_the_thief] = asked.as_slice() else { panic!("two have signed up") };
    let ask = async |(question, _): &(Bytes, StatusCode)| {
        let question = serde_json::from_slice(question).expect("is JSON");
        system.try_call_ott(Method::POST, TOKEN, question).await
    };

    // Forwarded correctly, the partner gets its response.
    let genuine = Arc::new(Mutex::new(None));
    let note = Arc::clone(&genuine);
    system.network.attach_service(
        EDGE,
        send_stolen_call(&system, move |answer| {
            *note.lock().expect("is whole") = Some(answer.clone());
            answer
        }),
    );
    let (status, answer) = ask(of_the_victim).await.expect("is believed");
    assert_eq!((status, &answer["pai"]), (StatusCode::OK, &json!(victim)));

    // 1. The victim's PAI in the thief's own response; 2. the victim's whole and genuine response
    // to the thief's call.
    let (from, to) = (own.clone(), victim.clone());
    system.network.attach_service(
        EDGE,
        send_stolen_call(&system, move |answer| {
            answer.map(|body| Bytes::from(String::from_utf8_lossy(&body).replace(&from, &to)))
        }),
    );
    assert_eq!(ask(of_the_thief).await, None);
    let genuine = genuine.lock().expect("is whole").clone().expect("came");
    system.network.attach_service(EDGE, send_stolen_call(&system, move |_| genuine.clone()));
    assert_eq!(ask(of_the_thief).await, None);

    system.network.attach_service(EDGE, send_stolen_call(&system, |answer| answer));
    let (_, answer) = ask(of_the_thief).await.expect("is believed");
    assert_eq!(answer["pai"], json!(own));
}

#[tokio::test]
async fn wrong_mapping_changes_no_bill() {
    let system = TestSystem::start();
    system.acme.import_accounts(ACME_ACCOUNTS).await;
    system.sign_up(&system.acme, GOOD, AccountChoice::New("ann@example.com")).await;
    let (key, value) =
        system.edge.kv_entries().into_iter().find(|(key, _)| key.starts_with("pai/")).expect("is mapped");
    let mut mapping: Value = serde_json::from_str(&value).expect("is JSON");
    mapping["subscriber"] = json!("someone-else");
    system.edge.kv_set(&key, Some(&mapping.to_string()));
    let run = system.run_billing("2026-12").await;
    assert_eq!(run["totals"]["approved"], 1, "{run}");
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 1);
    // To another operator: that origin disowns the PAI, and the others are asked.
    mapping["operator"] = json!("nova");
    system.edge.kv_set(&key, Some(&mapping.to_string()));
    assert_eq!(system.run_billing("2027-01").await["totals"]["approved"], 1);
    assert_eq!(system.bill_lines(&system.acme, GOOD).await.len(), 2);
}
