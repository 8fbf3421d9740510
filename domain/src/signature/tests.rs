//! The profile held to RFC 9421's own example, and attacked field by field.

use super::*;
use crate::encoding::{encode_base64, encode_base64url};
use crate::key::{KeyUse, Keyring};
use crate::timestamp::Timestamp;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Request;
use serde_json::json;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_000_000);
const NONCE: &str = "0123456789abcdef";

fn keys() -> Keyring {
    let entry = |id: &str, key_use: &str, byte: u8| json!({"id": id, "party": "operator:acme", "use": key_use, "alg": "hmac-sha256", "secret": encode_base64url(&[byte; 32])});
    let ring = json!([
        entry("k1", "edge-to-origin", 1),
        entry("k2", "edge-to-origin", 2),
        entry("k3", "origin-to-bss", 1)
    ]);
    Keyring::parse(&ring.to_string()).expect("is well formed")
}

fn signed(method: &str, uri: &str, body: &str) -> Request<Bytes> {
    let mut request = Request::builder()
        .method(method)
        .uri(uri)
        .header("content-type", "application/json")
        .body(Bytes::from(body.to_owned()))
        .expect("is a request");
    let keys = keys();
    let key = keys.find(KeyUse::EdgeToOrigin, "k2").expect("is there");
    sign_request(&mut request, key, NOW, NONCE).expect("signs");
    request
}

fn check_at(request: &Request<Bytes>, now: Timestamp) -> Result<Nonce, SignatureError> {
    let content_type = request.headers()["content-type"].to_str().expect("is text");
    let authority = request.uri().authority().expect("is absolute").to_string();
    let target = RequestComponents {
        method: request.method().as_str(),
        authority: &authority,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!request.body().is_empty()).then_some((&request.body()[..], content_type)),
    };
    let presented = ReceivedSignature::from_headers(request.headers()).ok_or(SignatureError::Malformed)?;
    verify_request(&target, presented, &keys(), KeyUse::EdgeToOrigin, now).map(|verified| verified.nonce)
}

fn check(request: &Request<Bytes>) -> Result<(), SignatureError> {
    check_at(request, NOW).map(|_| ())
}

fn post() -> Request<Bytes> {
    signed("POST", "http://origin.acme.example:8788/edge/v1/pin?a=b", r#"{"pin":"1"}"#)
}

#[test]
fn the_mac_agrees_with_rfc_9421_b_2_5() {
    // Appendix B.2.5 signs "date", "@authority" and "content-type" with the shared secret of B.1.5.
    let secret = STANDARD
        .decode("uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==")
        .expect("is base64");
    let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n\
        \"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;keyid=\"test-shared-secret\"";
    let mac = crate::key::hmac_sha256(&secret, base.as_bytes());
    assert_eq!(encode_base64(&mac), "pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=");
}

#[test]
fn the_signed_text_is_pinned() {
    let request = post();
    assert_eq!(
        request.headers()[SIGNATURE_INPUT],
        "sig1=(\"@method\" \"@authority\" \"@path\" \"@query\" \"content-digest\" \"content-type\");\
         created=1795000000;nonce=\"0123456789abcdef\";keyid=\"k2\";tag=\"onbill-edge-to-origin\""
    );
    let by_hand = "\"@method\": POST\n\"@authority\": origin.acme.example:8788\n\"@path\": /edge/v1/pin\n\
        \"@query\": ?a=b\n\"content-digest\": sha-256=:ohtzlYWw0QMlXmJpnv6f39q5VPDSOk2GeVwOQDmr+EA=:\n\
        \"content-type\": application/json\n\"@signature-params\": ";
    let digest = request.headers()[CONTENT_DIGEST].to_str().expect("is text");
    let base = format!(
        "{}{}",
        by_hand.replace("sha-256=:ohtzlYWw0QMlXmJpnv6f39q5VPDSOk2GeVwOQDmr+EA=:", digest),
        request.headers()[SIGNATURE_INPUT].to_str().expect("is text").trim_start_matches("sig1=")
    );
    let mac = encode_base64(&crate::key::hmac_sha256(&[2; 32], base.as_bytes()));
    assert_eq!(request.headers()[SIGNATURE], format!("sig1=:{mac}:"));
}

#[test]
fn a_signed_request_passes_within_its_time() {
    assert_eq!(check(&post()), Ok(()));
    assert_eq!(check(&signed("GET", "http://origin.acme.example/ott/v1/transaction/x", "")), Ok(()));
    let nonce = check_at(&post(), NOW).expect("passes");
    assert_eq!((nonce.key_id(), nonce.value()), ("k2", NONCE));
    for (offset, verdict) in
        [(300, Ok(())), (-300, Ok(())), (301, Err(SignatureError::Stale)), (-301, Err(SignatureError::Stale))]
    {
        let now = NOW.plus_seconds(offset);
        assert_eq!(check_at(&post(), now).map(|_| ()), verdict, "{offset}");
        assert!(
            verdict.is_err() || now < nonce.expires_at(),
            "a nonce is remembered as long as it could pass"
        );
    }
}

#[test]
fn whatever_is_signed_cannot_be_changed() {
    let mut changed = post();
    *changed.method_mut() = http::Method::PUT;
    assert_eq!(check(&changed), Err(SignatureError::BadSignature));
    for uri in [
        "http://origin.nova.example:8788/edge/v1/pin?a=b",
        "http://origin.acme.example:8788/edge/v1/PIN?a=b",
        "http://origin.acme.example:8788/edge/v1/pin?a=c",
        "http://origin.acme.example:8788/edge/v1/pin",
    ] {
        let mut changed = post();
        *changed.uri_mut() = uri.parse().expect("is a URI");
        assert_eq!(check(&changed), Err(SignatureError::BadSignature), "{uri}");
    }
    let mut changed = post();
    *changed.body_mut() = Bytes::from_static(b"{\"pin\":\"2\"}");
    assert_eq!(check(&changed), Err(SignatureError::DigestMismatch));
    let digest = crate::digest::content_digest(changed.body());
    changed.headers_mut().insert(CONTENT_DIGEST, digest.parse().expect("is a value"));
    assert_eq!(check(&changed), Err(SignatureError::BadSignature));
    let mut stripped = post();
    *stripped.body_mut() = Bytes::new();
    assert_eq!(check(&stripped), Err(SignatureError::Malformed), "a body cannot be dropped");
    let mut added = signed("GET", "http://origin.acme.example/x", "");
    *added.body_mut() = Bytes::from_static(b"{}");
    assert_eq!(check(&added), Err(SignatureError::Malformed), "a body cannot be added");
}

#[test]
fn only_the_profile_is_accepted() {
    let input = post().headers()[SIGNATURE_INPUT].to_str().expect("is text").to_owned();
    let signature = post().headers()[SIGNATURE].to_str().expect("is text").to_owned();
    let with = |input: &str, signature: &str| {
        let mut request = post();
        request.headers_mut().insert(SIGNATURE_INPUT, input.parse().expect("is a value"));
        request.headers_mut().insert(SIGNATURE, signature.parse().expect("is a value"));
        check(&request)
    };
    assert_eq!(with(&input, &signature), Ok(()));
    for other in [
        input.replace("sig1=", "sig2="),
        format!("{input}, sig2=(\"@method\");created=1795000000"),
        input.replace("\"@query\" ", ""),
        input.replace("\"@method\" \"@authority\"", "\"@authority\" \"@method\""),
        input.replace("\"@method\"", "\"@method\";req"),
        format!("{input};alg=\"hmac-sha256\""),
        input.replace(";tag=\"onbill-edge-to-origin\"", ""),
        input.replace("edge-to-origin", "origin-to-bss"),
        input.replace(NONCE, "short"),
        input.replace("created=1795000000", "created=\"1795000000\""),
        input.replace("created=1795000000", "created=1795000000.5"),
        String::new(),
        "sig1".to_owned(),
        "sig1=()".to_owned(),
        "\u{0}".replace('\u{0}', "((((((((((("),
    ] {
        assert_eq!(with(&other, &signature), Err(SignatureError::Malformed), "{other}");
    }
    assert_eq!(
        with(&input.replace("keyid=\"k2\"", "keyid=\"k1\""), &signature),
        Err(SignatureError::BadSignature)
    );
    assert_eq!(
        with(&input.replace("keyid=\"k2\"", "keyid=\"k3\""), &signature),
        Err(SignatureError::UnknownKey)
    );
    assert_eq!(
        with(&input.replace("keyid=\"k2\"", "keyid=\"nobody\""), &signature),
        Err(SignatureError::UnknownKey)
    );
    for other in ["sig1=::", "sig1=:AAAA:", "sig1=\"x\"", "", &format!("{signature}, sig2=:AAAA:")] {
        let verdict = with(&input, other);
        assert!(
            matches!(verdict, Err(SignatureError::BadSignature | SignatureError::Malformed)),
            "{other}: {verdict:?}"
        );
    }
    let mut twice = post();
    twice.headers_mut().append(SIGNATURE, signature.parse().expect("is a value"));
    assert_eq!(check(&twice), Err(SignatureError::Malformed));
}

#[test]
fn a_true_digest_keeps_its_spelling_and_a_false_one_is_replaced() {
    let body = Bytes::from_static(b"{\"hello\": \"world\"}\n");
    let resigned = |digest: &str| {
        let mut request = post();
        *request.body_mut() = body.clone();
        request.headers_mut().insert(CONTENT_DIGEST, digest.parse().expect("is a value"));
        let keys = keys();
        let key = keys.find(KeyUse::EdgeToOrigin, "k1").expect("is there");
        sign_request(&mut request, key, NOW, NONCE).expect("signs");
        assert_eq!(check(&request), Ok(()));
        request.headers()[CONTENT_DIGEST].clone()
    };
    let plain = crate::digest::content_digest(&body);
    let richer = format!("sha-512=:AAAA:, {plain}");
    assert_eq!(resigned(&richer), richer.as_str());
    assert_eq!(resigned("sha-256=:AAAA:"), plain.as_str());
    assert_eq!(resigned("nonsense"), plain.as_str());
}

const BODY: &str = r#"{"pai":"x"}"#;

/// The answer to [`post`], its signature's headers beside it.
fn answered() -> http::Response<Bytes> {
    let call = post();
    let call = call.headers()[SIGNATURE].to_str().expect("is text");
    let answer = ResponseComponents { status: 201, body: (BODY.as_bytes(), "application/json"), call };
    let keys = keys();
    let key = keys.find(KeyUse::OriginToOperator, "k3").expect("is there");
    let signed = sign_response(&answer, key, NOW, NONCE).expect("signs");
    http::Response::builder()
        .header(CONTENT_DIGEST, signed.content_digest.expect("has a body"))
        .header(SIGNATURE_INPUT, signed.signature_input)
        .header(SIGNATURE, signed.signature)
        .body(Bytes::from(BODY))
        .expect("is an answer")
}

fn check_answer(
    response: &http::Response<Bytes>,
    (status, content_type): (u16, &str),
    call: &Request<Bytes>,
) -> Result<String, SignatureError> {
    let call = call.headers()[SIGNATURE].to_str().expect("is text");
    let answer = ResponseComponents { status, body: (response.body(), content_type), call };
    let presented = ReceivedSignature::from_headers(response.headers()).ok_or(SignatureError::Malformed)?;
    verify_response(&answer, presented, &keys(), KeyUse::OriginToOperator, NOW)
        .map(|it| it.key.party.to_string())
}

#[test]
fn an_answers_signed_text_is_pinned() {
    let (call, response) = (post(), answered());
    assert_eq!(
        response.headers()[SIGNATURE_INPUT],
        "sig1=(\"@status\" \"content-digest\" \"content-type\" \"signature\";req;key=\"sig1\");\
         created=1795000000;nonce=\"0123456789abcdef\";keyid=\"k3\";tag=\"onbill-answer\""
    );
    let of = |headers: &http::HeaderMap, name| headers[name].to_str().expect("is text").to_owned();
    let base = format!(
        "\"@status\": 201\n\"content-digest\": {}\n\"content-type\": application/json\n\
         \"signature\";req;key=\"sig1\": {}\n\"@signature-params\": {}",
        of(response.headers(), CONTENT_DIGEST),
        of(call.headers(), SIGNATURE).trim_start_matches("sig1="),
        of(response.headers(), SIGNATURE_INPUT).trim_start_matches("sig1=")
    );
    let mac = encode_base64(&crate::key::hmac_sha256(&[1; 32], base.as_bytes()));
    assert_eq!(response.headers()[SIGNATURE], format!("sig1=:{mac}:"));
}

#[test]
fn an_answer_is_to_one_call_and_cannot_be_changed() {
    const AS_IT_WAS: (u16, &str) = (201, "application/json");
    assert_eq!(check_answer(&answered(), AS_IT_WAS, &post()), Ok("operator:acme".to_owned()));
    // An intermediary may spell the call's signature with other spaces: it is the same one.
    let mut respelled = post();
    let spaced = format!(" {} ", respelled.headers()[SIGNATURE].to_str().expect("is text"));
    respelled.headers_mut().insert(SIGNATURE, spaced.parse().expect("is a value"));
    assert!(check_answer(&answered(), AS_IT_WAS, &respelled).is_ok());

    let bad = Err(SignatureError::BadSignature);
    let other_call = signed("POST", "http://origin.acme.example:8788/edge/v1/pin?a=b", r#"{"pin":"2"}"#);
    assert_eq!(check_answer(&answered(), AS_IT_WAS, &other_call), bad);
    assert_eq!(check_answer(&answered(), (200, "application/json"), &post()), bad);
    assert_eq!(check_answer(&answered(), (201, "text/html"), &post()), bad);
    let swapped = answered().map(|_| Bytes::from_static(br#"{"pai":"y"}"#));
    assert_eq!(check_answer(&swapped, AS_IT_WAS, &post()), Err(SignatureError::DigestMismatch));
    let mut redigested = swapped;
    let digest = crate::digest::content_digest(redigested.body()).parse().expect("is a value");
    redigested.headers_mut().insert(CONTENT_DIGEST, digest);
    assert_eq!(check_answer(&redigested, AS_IT_WAS, &post()), bad);
}

#[test]
fn a_calls_signature_is_no_answers_nor_the_other_way_round() {
    let (call, answer) = (post(), answered());
    let lent = |to: http::HeaderMap, from: &http::HeaderMap| {
        let mut headers = to;
        for name in [SIGNATURE_INPUT, SIGNATURE, CONTENT_DIGEST] {
            headers.insert(name, from[name].clone());
        }
        headers
    };
    let mut posing = answer.clone();
    *posing.headers_mut() = lent(answer.headers().clone(), call.headers());
    assert_eq!(check_answer(&posing, (201, "application/json"), &call), Err(SignatureError::Malformed));
    let mut posing = call.clone();
    *posing.headers_mut() = lent(call.headers().clone(), answer.headers());
    assert_eq!(check(&posing), Err(SignatureError::Malformed));
    // Nor is there an answer to a call that was not signed.
    let unsigned = ResponseComponents { status: 201, body: (b"{}", "application/json"), call: "" };
    let keys = keys();
    let key = keys.find(KeyUse::OriginToOperator, "k3").expect("is there");
    assert_eq!(sign_response(&unsigned, key, NOW, NONCE), None);
}
