//! The profile against the example of RFC 9421, and with every field changed.

use super::*;
use crate::encoding::{encode_base64, encode_base64url};
use crate::key::{KeyUse, Keyring};
use crate::limits::NONCE_BYTES_MAX;
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
    let components = RequestComponents {
        method: request.method().as_str(),
        authority: &authority,
        path: request.uri().path(),
        query: request.uri().query().unwrap_or_default(),
        body: (!request.body().is_empty()).then_some((&request.body()[..], content_type)),
    };
    let received = ReceivedSignature::from_headers(request.headers()).ok_or(SignatureError::Malformed)?;
    verify_request(&components, received, &keys(), KeyUse::EdgeToOrigin, now).map(|verified| verified.nonce)
}

fn check(request: &Request<Bytes>) -> Result<(), SignatureError> {
    check_at(request, NOW).map(|_| ())
}

fn post() -> Request<Bytes> {
    signed("POST", "http://origin.acme.example:8788/edge/v1/pin?a=b", r#"{"pin":"1"}"#)
}

#[test]
fn hmac_agrees_with_rfc_9421_b_2_5() {
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
fn request_signature_base_is_pinned() {
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
fn request_signature_is_valid_within_the_skew() {
    assert_eq!(check(&post()), Ok(()));
    assert_eq!(check(&signed("GET", "http://origin.acme.example/ott/v1/transaction/x", "")), Ok(()));
    let nonce = check_at(&post(), NOW).expect("passes");
    assert_eq!((nonce.key_id(), nonce.value()), ("k2", NONCE));
    let stale = |seconds_off| Err(SignatureError::Stale { seconds_off });
    for (offset, expected) in [(300, Ok(())), (-300, Ok(())), (301, stale(-301)), (-301, stale(301))] {
        let now = NOW.plus_seconds(offset);
        // A nonce is remembered while its signature is valid, whatever the time of this clock.
        let expected = expected.map(|()| NOW.plus_seconds(301));
        assert_eq!(check_at(&post(), now).map(|nonce| nonce.expires_at()), expected, "{offset}");
    }
}

/// The verifier has the host as the caller has written it.
#[test]
fn authority_is_signed_in_lower_case() {
    let request = signed("GET", "http://Origin.ACME.example:8788/ott/v1/transaction/x", "");
    assert_eq!(check(&request), Ok(()));
}

#[test]
fn changed_request_is_refused() {
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
fn signature_outside_the_profile_is_refused() {
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
        input.replace(NONCE, &"n".repeat(NONCE_BYTES_MAX + 1)),
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
        let result = with(&input, other);
        assert!(
            matches!(result, Err(SignatureError::BadSignature | SignatureError::Malformed)),
            "{other}: {result:?}"
        );
    }
    let mut twice = post();
    twice.headers_mut().append(SIGNATURE, signature.parse().expect("is a value"));
    assert_eq!(check(&twice), Err(SignatureError::Malformed));
}

/// A parser of structured fields takes each of these for the same signature.
#[test]
fn signature_has_one_spelling() {
    let field = |name: &str| post().headers()[name].to_str().expect("is text").to_owned();
    let (input, signature) = (field(SIGNATURE_INPUT), field(SIGNATURE));
    let stray = crate::encoding::tests::with_stray_bits(&signature);
    let mut cases = vec![
        (input.clone(), stray),
        (input.clone(), signature.replace("=:", ":").replacen("sig1:", "sig1=:", 1)),
        (input.clone(), format!("{signature};x=1")),
        (input.clone(), format!("{signature};x")),
        (input.clone(), format!("{signature}, {signature}")),
        (input.clone(), format!("sig1=:AAAA:, {signature}")),
        (format!("{input}, {input}"), signature.clone()),
        (format!("sig1=(), {input}"), signature.clone()),
    ];
    for (from, to) in [
        ("sig1=(", "sig1=( "),
        ("sig1=(", "sig1 =("),
        ("\" \"", "\"  \""),
        ("created=", "created=1;created="),
        ("created=", "created=0"),
        (";nonce", "; nonce"),
    ] {
        let other = input.replacen(from, to, 1);
        assert_ne!(other, input);
        cases.push((other, signature.clone()));
    }
    for (input, signature) in cases {
        let mut request = post();
        request.headers_mut().insert(SIGNATURE_INPUT, input.parse().expect("is a value"));
        request.headers_mut().insert(SIGNATURE, signature.parse().expect("is a value"));
        assert_eq!(check(&request), Err(SignatureError::Malformed), "{input} {signature}");
    }
}

/// Libraries of partners write the parameters in orders of their own.
#[test]
fn order_of_parameters_is_the_signers() {
    let input = post().headers()[SIGNATURE_INPUT].to_str().expect("is text").to_owned();
    let input = input.replace(
        "created=1795000000;nonce=\"0123456789abcdef\"",
        "nonce=\"0123456789abcdef\";created=1795000000",
    );
    let mut request = post();
    let digest = request.headers()[CONTENT_DIGEST].to_str().expect("is text").to_owned();
    let base = format!(
        "\"@method\": POST\n\"@authority\": origin.acme.example:8788\n\"@path\": /edge/v1/pin\n\"@query\": ?a=b\n\
         \"content-digest\": {digest}\n\"content-type\": application/json\n\"@signature-params\": {}",
        input.trim_start_matches("sig1=")
    );
    let mac = encode_base64(&crate::key::hmac_sha256(&[2; 32], base.as_bytes()));
    request.headers_mut().insert(SIGNATURE_INPUT, input.parse().expect("is a value"));
    request.headers_mut().insert(SIGNATURE, format!("sig1=:{mac}:").parse().expect("is a value"));
    assert_eq!(check(&request), Ok(()));
}

#[test]
fn matching_digest_is_kept_and_another_replaced() {
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

/// The signed response to [`post`].
fn signed_response() -> http::Response<Bytes> {
    let call = post();
    let call = call.headers()[SIGNATURE].to_str().expect("is text");
    let components = ResponseComponents {
        status: 201,
        body: (BODY.as_bytes(), "application/json"),
        request_signature: call,
    };
    let keys = keys();
    let key = keys.find(KeyUse::OriginToOperator, "k3").expect("is there");
    let signed = sign_response(&components, key, NOW, NONCE).expect("signs");
    http::Response::builder()
        .header(CONTENT_DIGEST, signed.content_digest.expect("has a body"))
        .header(SIGNATURE_INPUT, signed.signature_input)
        .header(SIGNATURE, signed.signature)
        .body(Bytes::from(BODY))
        .expect("is an answer")
}

fn check_response(
    response: &http::Response<Bytes>,
    (status, content_type): (u16, &str),
    call: &Request<Bytes>,
) -> Result<String, SignatureError> {
    let call = call.headers()[SIGNATURE].to_str().expect("is text");
    let components =
        ResponseComponents { status, body: (response.body(), content_type), request_signature: call };
    let received = ReceivedSignature::from_headers(response.headers()).ok_or(SignatureError::Malformed)?;
    verify_response(&components, received, &keys(), KeyUse::OriginToOperator, NOW)
        .map(|it| it.key.party.to_string())
}

#[test]
fn response_signature_base_is_pinned() {
    let (call, response) = (post(), signed_response());
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
fn response_signature_is_for_one_request_and_body() {
    const UNCHANGED: (u16, &str) = (201, "application/json");
    assert_eq!(check_response(&signed_response(), UNCHANGED, &post()), Ok("operator:acme".to_owned()));
    // An intermediary may change the spaces of the request's signature, which is still the same
    // one.
    let mut respelled = post();
    let spaced = format!(" {} ", respelled.headers()[SIGNATURE].to_str().expect("is text"));
    respelled.headers_mut().insert(SIGNATURE, spaced.parse().expect("is a value"));
    assert!(check_response(&signed_response(), UNCHANGED, &respelled).is_ok());

    let bad = Err(SignatureError::BadSignature);
    let other_call = signed("POST", "http://origin.acme.example:8788/edge/v1/pin?a=b", r#"{"pin":"2"}"#);
    assert_eq!(check_response(&signed_response(), UNCHANGED, &other_call), bad);
    assert_eq!(check_response(&signed_response(), (200, "application/json"), &post()), bad);
    assert_eq!(check_response(&signed_response(), (201, "text/html"), &post()), bad);
    let swapped = signed_response().map(|_| Bytes::from_static(br#"{"pai":"y"}"#));
    assert_eq!(check_response(&swapped, UNCHANGED, &post()), Err(SignatureError::DigestMismatch));
    let mut redigested = swapped;
    let digest = crate::digest::content_digest(redigested.body()).parse().expect("is a value");
    redigested.headers_mut().insert(CONTENT_DIGEST, digest);
    assert_eq!(check_response(&redigested, UNCHANGED, &post()), bad);
}

#[test]
fn request_signature_is_no_response_signature() {
    let (call, response) = (post(), signed_response());
    let with_signature_of = |to: http::HeaderMap, from: &http::HeaderMap| {
        let mut headers = to;
        for name in [SIGNATURE_INPUT, SIGNATURE, CONTENT_DIGEST] {
            headers.insert(name, from[name].clone());
        }
        headers
    };
    let mut forged = response.clone();
    *forged.headers_mut() = with_signature_of(response.headers().clone(), call.headers());
    assert_eq!(check_response(&forged, (201, "application/json"), &call), Err(SignatureError::Malformed));
    let mut forged = call.clone();
    *forged.headers_mut() = with_signature_of(call.headers().clone(), response.headers());
    assert_eq!(check(&forged), Err(SignatureError::Malformed));
    // The response to an unsigned request cannot be signed.
    let unsigned =
        ResponseComponents { status: 201, body: (b"{}", "application/json"), request_signature: "" };
    let keys = keys();
    let key = keys.find(KeyUse::OriginToOperator, "k3").expect("is there");
    assert_eq!(sign_response(&unsigned, key, NOW, NONCE), None);
}
