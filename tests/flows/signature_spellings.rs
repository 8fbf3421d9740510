//! One signature has one spelling, at the edge and at the origin alike: whoever sits between may
//! not write a genuine signature in another way, so that two calls look different and are one.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use onbill_domain::wire::edge::{PARTNER_SIGNATURE_HEADER, PARTNER_SIGNATURE_INPUT_HEADER};
use onbill_test_harness::TestSystem;
use onbill_test_harness::customer::charge_body;
use serde_json::Value;

const GOOD: &str = "+12025550101";
const CHARGES: &str = "/ott/v1/transaction";
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text with the last bits of its padded base64 set: they belong to no byte.
fn with_stray_bits(text: &str) -> String {
    let at = text.trim_end_matches([':', '=']).len();
    let last = ALPHABET.find(&text[at - 1..at]).expect("is base64");
    format!("{}{}{}", &text[..at - 1], &ALPHABET[last + 1..last + 2], &text[at..])
}

/// Changes the values of `signature-input`, of `signature`, or of `content-digest`.
type Respell = fn(&mut String, &mut String, &mut String);

const RESPELLINGS: [(&str, Respell); 14] = [
    ("stray bits", |_, signature, _| *signature = with_stray_bits(signature)),
    ("no padding", |_, signature, _| *signature = format!("{}:", signature.trim_end_matches([':', '=']))),
    ("a parameter of the signature", |_, signature, _| signature.push_str(";x=1")),
    ("a flag of the signature", |_, signature, _| signature.push_str(";x")),
    ("two signatures", |_, signature, _| *signature = format!("{signature}, sig2=:AAAA:")),
    ("the signature twice", |_, signature, _| *signature = format!("{signature}, {signature}")),
    ("another one under its label", |_, signature, _| *signature = format!("sig1=:AAAA:, {signature}")),
    ("two inputs", |input, _, _| *input = format!("{input}, sig2=(\"@method\")")),
    ("the input twice", |input, _, _| *input = format!("{input}, {input}")),
    ("other spaces", |input, _, _| *input = input.replacen("sig1=(", "sig1=( ", 1)),
    ("a parameter twice", |input, _, _| *input = input.replacen(";created=", ";created=1;created=", 1)),
    ("parameters in another order", |input, _, _| {
        let (start, tag) = input.rsplit_once(";tag=").expect("is the last one");
        *input = start.replacen(";created=", &format!(";tag={tag};created="), 1);
    }),
    ("a digest with stray bits", |_, _, digest| *digest = with_stray_bits(digest)),
    ("the digest twice", |_, _, digest| *digest = format!("{digest}, {digest}")),
];

fn value(headers: &HeaderMap, name: &str) -> String {
    headers[name].to_str().expect("is text").to_owned()
}

/// Rewrites the partner's signature in these header fields.
fn respell(headers: &mut HeaderMap, (input, signature): (&str, &str), how: Respell) {
    let names = [input, signature, "content-digest"];
    let [mut input, mut signature, mut digest] = names.map(|name| value(headers, name));
    how(&mut input, &mut signature, &mut digest);
    for (name, value) in names.into_iter().zip([input, signature, digest]) {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("is a name");
        headers.insert(name, HeaderValue::from_str(&value).expect("is a value"));
    }
}

#[tokio::test]
async fn respelled_signature_is_refused_at_both_ends() {
    let (system, pai) = TestSystem::with_subscriber(GOOD).await;
    let body = charge_body(&pai, "s-1", 1599);
    for (what, how) in RESPELLINGS {
        let mut at_edge = system.sign_as_partner(&Method::POST, CHARGES, &body);
        respell(at_edge.headers_mut(), ("signature-input", "signature"), how);
        assert_eq!(system.send_request(at_edge).await.0, StatusCode::UNAUTHORIZED, "{what}");

        let mut at_origin = system.forward_as_edge(CHARGES, &body);
        let names = (PARTNER_SIGNATURE_INPUT_HEADER, PARTNER_SIGNATURE_HEADER);
        respell(at_origin.headers_mut(), names, how);
        assert_eq!(system.send_request(at_origin).await.0, StatusCode::UNAUTHORIZED, "{what}, at the origin");
        // The edge's own signature is held to the same.
        let mut own = system.forward_as_edge(CHARGES, &body);
        respell(own.headers_mut(), ("signature-input", "signature"), how);
        assert_eq!(system.send_request(own).await.0, StatusCode::UNAUTHORIZED, "{what}, of the edge");
    }
    let lines = ["signature-input", "signature"];
    for name in lines {
        let mut twice = system.sign_as_partner(&Method::POST, CHARGES, &body);
        let line = twice.headers()[name].clone();
        twice.headers_mut().append(name, line);
        assert_eq!(system.send_request(twice).await.0, StatusCode::UNAUTHORIZED, "{name} in two lines");
        let mut twice = system.forward_as_edge(CHARGES, &body);
        let line = twice.headers()[name].clone();
        twice.headers_mut().append(name, line);
        assert_eq!(
            system.send_request(twice).await.0,
            StatusCode::UNAUTHORIZED,
            "{name} in two lines, at the origin"
        );
    }
    assert!(system.bill_lines(&system.acme, GOOD).await.is_empty());

    // The same calls as they were signed.
    assert_eq!(system.send_request(system.forward_as_edge(CHARGES, &body)).await.0, StatusCode::CREATED);
    let (status, _) = system.call_ott(Method::GET, &format!("{CHARGES}/s-1"), Value::Null).await;
    assert_eq!(status, StatusCode::OK);
}
