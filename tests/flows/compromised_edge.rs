//! The edge in the wrong hands: whoever has its keys and its network can refuse service, but not take money, nor make one
//! customer pay for another.

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
use onbill_test_harness::customer::{Choice, charge};
use onbill_test_harness::{ACCOUNTS, EDGE, Holder, World, keys};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const GOOD: &str = "+12025550101";

/// Signs towards the origin with the edge's own key, as a thief of the edge's secrets can.
fn as_the_edge(world: &World, stolen: &Keyring, request: &mut Request<Bytes>, nonce: &str) {
    let key = stolen.signing_key(KeyUse::EdgeToOrigin, "operator:acme").expect("the edge has it");
    sign_request(request, key, world.now(), nonce).expect("signs");
}

fn to_origin(world: &World, path: &str, body: &Value) -> Request<Bytes> {
    Request::post(format!("http://{}{path}", world.acme.origin))
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_string()))
        .expect("is a request")
}

#[tokio::test]
async fn the_edges_secrets_do_not_make_a_charge() {
    let (world, pai) = World::signed_up(GOOD).await;
    let stolen = keys::ring(&Holder::Edge);
    let charge = |id: &str| charge(&pai, id, 1599);
    let path = "/ott/v1/transaction";

    // 1. Its own signature only; 2. its own signature in the partner's place.
    let mut bare = to_origin(&world, path, &charge("t-1"));
    as_the_edge(&world, &stolen, &mut bare, "thief-nonce-0001");
    let mut posing = bare.clone();
    for (from, to) in
        [("signature-input", "onbill-partner-signature-input"), ("signature", "onbill-partner-signature")]
    {
        let value = posing.headers()[from].clone();
        posing.headers_mut().insert(to, value);
    }
    // 3. The partner's genuine signature over another charge.
    let genuine = world.signed(&Method::POST, path, &charge("t-1"));
    let mut swapped = to_origin(&world, path, &charge("t-2"));
    for (from, to) in
        [("signature-input", "onbill-partner-signature-input"), ("signature", "onbill-partner-signature")]
    {
        swapped.headers_mut().insert(to, genuine.headers()[from].clone());
    }
    as_the_edge(&world, &stolen, &mut swapped, "thief-nonce-0003");
    // 4. The edge does not even hold what signs for the partner.
    let public =
        stolen.signing_key(KeyUse::PartnerCall, "partner:netflix").expect("the edge verifies with it");
    assert_eq!(public.sign(b"anything"), None);
    for (n, request) in [bare, posing, swapped].into_iter().enumerate() {
        assert_eq!(world.send(request).await.0, StatusCode::UNAUTHORIZED, "case {}", n + 1);
    }
    assert!(world.bill(&world.acme, GOOD).await.is_empty());

    // The genuine call, forwarded with the stolen key, does pass: that is what the edge is for.
    let mut forwarded = to_origin(&world, path, &charge("t-1"));
    for (from, to) in
        [("signature-input", "onbill-partner-signature-input"), ("signature", "onbill-partner-signature")]
    {
        forwarded.headers_mut().insert(to, genuine.headers()[from].clone());
    }
    as_the_edge(&world, &stolen, &mut forwarded, "thief-nonce-0004");
    assert_eq!(world.send(forwarded.clone()).await.0, StatusCode::CREATED);
    // Once: re-signing the outer call does not make the partner's nonce fresh.
    as_the_edge(&world, &stolen, &mut forwarded, "thief-nonce-0005");
    assert_eq!(world.send(forwarded).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 1);
}

#[tokio::test]
async fn the_edges_secrets_give_no_money_back() {
    let (world, pai) = World::signed_up(GOOD).await;
    world.ott(Method::POST, "/ott/v1/transaction", charge(&pai, "t-1", 1599)).await;
    world.ott(Method::POST, "/ott/v1/transaction", charge(&pai, "t-2", 1599)).await;
    let stolen = keys::ring(&Holder::Edge);
    let (path, body) = ("/ott/v1/transaction/t-1/refund", json!({"extRefundID": "r-1", "reason": "x"}));
    let mut bare = to_origin(&world, path, &body);
    as_the_edge(&world, &stolen, &mut bare, "thief-nonce-0011");
    // The partner's genuine refund of one charge, sent as that of another: the path is signed as well.
    let genuine = world.passed_on(path, &body);
    let mut moved = to_origin(&world, "/ott/v1/transaction/t-2/refund", &body);
    for name in ["onbill-partner-signature-input", "onbill-partner-signature"] {
        moved.headers_mut().insert(name, genuine.headers()[name].clone());
    }
    as_the_edge(&world, &stolen, &mut moved, "thief-nonce-0012");
    for request in [bare, moved] {
        assert_eq!(world.send(request).await.0, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 2);
    assert_eq!(world.send(genuine.clone()).await.0, StatusCode::CREATED);
    let mut again = genuine;
    as_the_edge(&world, &stolen, &mut again, "thief-nonce-0013");
    assert_eq!(world.send(again).await.0, StatusCode::UNAUTHORIZED, "once");
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 3);
}

#[tokio::test]
async fn the_partners_signature_alone_does_not_pass_the_edge_by() {
    let (world, pai) = World::signed_up(GOOD).await;
    let charge = charge(&pai, "t-1", 1599);
    let genuine = world.signed(&Method::POST, "/ott/v1/transaction", &charge);
    let mut direct = to_origin(&world, "/ott/v1/transaction", &charge);
    for (from, to) in [
        ("content-digest", "content-digest"),
        ("signature-input", "onbill-partner-signature-input"),
        ("signature", "onbill-partner-signature"),
    ] {
        direct.headers_mut().insert(to, genuine.headers()[from].clone());
    }
    assert_eq!(world.send(direct).await.0, StatusCode::UNAUTHORIZED);
    assert!(world.bill(&world.acme, GOOD).await.is_empty());
}

#[tokio::test]
async fn the_origin_sends_nobody_elsewhere_whatever_the_edge_asks() {
    let world = World::start();
    let stolen = keys::ring(&Holder::Edge);
    let ask = async |return_url: &str, nonce: &str| {
        let body =
            json!({"offer": "netflix-standard", "msisdn": GOOD, "locale": "en", "returnURL": return_url});
        let mut request = to_origin(&world, "/edge/v1/validate", &body);
        as_the_edge(&world, &stolen, &mut request, nonce);
        world.send(request).await.0
    };
    assert_eq!(ask("https://evil.example/", "thief-nonce-0001").await, StatusCode::BAD_REQUEST);
    assert_eq!(ask("http://127.0.0.1:8790/done", "thief-nonce-0002").await, StatusCode::OK);
}

#[tokio::test]
async fn a_token_that_the_origin_did_not_record_is_worth_nothing() {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    let stolen = keys::ring(&Holder::Edge);
    let now = world.now().unix_seconds();
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
    let (status, answer) = world.ott(Method::POST, "/ott/v1/token/validate", body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::BAD_REQUEST, &json!("token-invalid")));
}

/// The edge in a thief's hands: it passes calls on with the stolen key, and does as it likes with what comes back.
fn thief(
    world: &World,
    makes_of: impl Fn(Response<Bytes>) -> Response<Bytes> + Clone + Send + Sync + 'static,
) -> Router {
    let (network, now, stolen) = (Arc::clone(&world.network), world.now(), keys::ring(&Holder::Edge));
    let (drawn, origin) = (Arc::new(AtomicU32::new(0)), world.acme.origin);
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
        makes_of(network.bring(onward).await.expect("answers")).map(Body::from)
    })
}

#[tokio::test]
async fn whose_pai_it_is_cannot_be_swapped_in_an_answer() {
    const TOKEN: &str = "/ott/v1/token/validate";
    let (world, victim) = World::signed_up(GOOD).await;
    world.sign_up(&world.acme, "+12025550102", Choice::New("eve@example.com")).await;
    let own = world.pai_of("eve@example.com").await;
    let asked = world.network.crossed(EDGE, TOKEN);
    let [of_the_victim, of_the_thief] = asked.as_slice() else { panic!("two have signed up") };
    let ask = async |(question, _): &(Bytes, StatusCode)| {
        let question = serde_json::from_slice(question).expect("is JSON");
        world.try_ott(Method::POST, TOKEN, question).await
    };

    // Passed on as it should be, the partner is told again.
    let told = Arc::new(Mutex::new(None));
    let note = Arc::clone(&told);
    world.network.attach(
        EDGE,
        thief(&world, move |answer| {
            *note.lock().expect("is whole") = Some(answer.clone());
            answer
        }),
    );
    let (status, answer) = ask(of_the_victim).await.expect("is believed");
    assert_eq!((status, &answer["pai"]), (StatusCode::OK, &json!(victim)));

    // 1. The victim's PAI in the thief's own answer; 2. the victim's answer, whole and genuine, to the thief's call.
    let (from, to) = (own.clone(), victim.clone());
    world.network.attach(
        EDGE,
        thief(&world, move |answer| {
            answer.map(|body| Bytes::from(String::from_utf8_lossy(&body).replace(&from, &to)))
        }),
    );
    assert_eq!(ask(of_the_thief).await, None);
    let told = told.lock().expect("is whole").clone().expect("came");
    world.network.attach(EDGE, thief(&world, move |_| told.clone()));
    assert_eq!(ask(of_the_thief).await, None);

    world.network.attach(EDGE, thief(&world, |answer| answer));
    let (_, answer) = ask(of_the_thief).await.expect("is believed");
    assert_eq!(answer["pai"], json!(own));
}

#[tokio::test]
async fn a_mapping_to_someone_else_changes_nobodys_bill() {
    let world = World::start();
    world.acme.import(ACCOUNTS.0).await;
    world.sign_up(&world.acme, GOOD, Choice::New("ann@example.com")).await;
    let (key, value) =
        world.edge.kv_entries().into_iter().find(|(key, _)| key.starts_with("pai/")).expect("is mapped");
    let mut mapping: Value = serde_json::from_str(&value).expect("is JSON");
    mapping["subscriber"] = json!("someone-else");
    world.edge.kv_set(&key, Some(&mapping.to_string()));
    let run = world.billing_run("2026-12").await;
    assert_eq!(run["totals"]["approved"], 1, "{run}");
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 1);
    // To another operator: that origin disowns the PAI, and the others are asked.
    mapping["operator"] = json!("nova");
    world.edge.kv_set(&key, Some(&mapping.to_string()));
    assert_eq!(world.billing_run("2027-01").await["totals"]["approved"], 1);
    assert_eq!(world.bill(&world.acme, GOOD).await.len(), 2);
}
