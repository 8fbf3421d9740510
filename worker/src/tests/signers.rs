//! Signers that write a call in an unusual way: what the profile allows is accepted, everything else gets its refusal.

use super::ott::{charge, charged};
use super::test_edge::{ACME, EDGE, NOW, TestEdge, mapping, pai, request};
use bytes::Bytes;
use http::Request;
use onbill_domain::encoding::encode_base64;
use onbill_domain::key::KeyUse;
use serde_json::Value;

const CHARGES: &str = "/ott/v1/transaction";

fn edge_with_charges() -> TestEdge {
    let edge = TestEdge::new();
    edge.platform.kv_set(&format!("pai/{}", pai()), Some(&mapping("acme", "ACTIVE", 1).to_string()));
    edge.stub_response(&format!("POST {ACME}{CHARGES}"), 201, &charged());
    edge
}

fn signed_charge(edge: &TestEdge) -> Request<Bytes> {
    edge.signed_request("netflix-1", "POST", CHARGES, &charge())
}

/// Signs the base for these parameters by hand, as another library writes them.
fn sign_by_hand(edge: &TestEdge, mut request: Request<Bytes>, params: &str) -> Request<Bytes> {
    let text =
        |request: &Request<Bytes>, name: &str| request.headers()[name].to_str().expect("is text").to_owned();
    let input =
        format!(r#"("@method" "@authority" "@path" "@query" "content-digest" "content-type"){params}"#);
    let (digest, content_type) = (text(&request, "content-digest"), text(&request, "content-type"));
    let base = format!(
        "\"@method\": POST\n\"@authority\": edge.example\n\"@path\": {CHARGES}\n\"@query\": ?\n\
         \"content-digest\": {digest}\n\"content-type\": {content_type}\n\"@signature-params\": {input}"
    );
    let key = edge.partner_keys.find(KeyUse::PartnerCall, "netflix-1").expect("is there");
    let signature = encode_base64(&key.sign(base.as_bytes()).expect("signs"));
    for (name, value) in
        [("signature-input", format!("sig1={input}")), ("signature", format!("sig1=:{signature}:"))]
    {
        request.headers_mut().insert(name, value.parse().expect("is a value"));
    }
    request
}

#[tokio::test]
async fn default_port_of_the_host_changes_nothing() {
    let edge = edge_with_charges();
    for (host, status) in [("edge.example:443", 201), ("EDGE.example", 201), ("edge.example:80", 401)] {
        let mut request = signed_charge(&edge);
        *request.uri_mut() = format!("https://{host}{CHARGES}").parse().expect("is a URI");
        assert_eq!(edge.send(request).await.status(), status, "{host}");
    }
}

#[tokio::test]
async fn escapes_are_signed_as_they_are_sent() {
    let edge = TestEdge::new();
    edge.stub_response(&format!("GET {ACME}/ott/v1/transaction/a%2fb"), 200, &charged());
    let lower = || edge.signed_request("netflix-1", "GET", "/ott/v1/transaction/a%2fb", &Value::Null);
    assert_ne!(edge.send(lower()).await.status(), 401, "signed and sent in the same case");
    let mut respelled = lower();
    *respelled.uri_mut() = format!("{EDGE}/ott/v1/transaction/a%2Fb").parse().expect("is a URI");
    let refused = edge.send(respelled).await;
    assert_eq!(refused.refusal(), (401, "authorization-failure".to_owned()), "a proxy has changed the case");
}

#[tokio::test]
async fn parameters_have_any_order() {
    let edge = edge_with_charges();
    for (n, params) in [
        format!(r#";tag="onbill-partner-call";keyid="netflix-1";nonce="0123456789abcdef-0";created={NOW}"#),
        format!(r#";keyid="netflix-1";created={NOW};tag="onbill-partner-call";nonce="0123456789abcdef-1""#),
    ]
    .iter()
    .enumerate()
    {
        let request = sign_by_hand(&edge, signed_charge(&edge), params);
        assert_eq!(edge.send(request).await.status(), 201, "{n}");
    }
    let twice = format!(
        r#";created={NOW};created={NOW};nonce="0123456789abcdef-2";keyid="netflix-1";tag="onbill-partner-call""#
    );
    let refused = edge.send(sign_by_hand(&edge, signed_charge(&edge), &twice)).await;
    assert_eq!(refused.refusal(), (401, "authorization-failure".to_owned()), "a parameter twice");
}

#[tokio::test]
async fn a_second_label_is_refused() {
    let edge = edge_with_charges();
    let mut request = signed_charge(&edge);
    for name in ["signature-input", "signature"] {
        let one = request.headers()[name].to_str().expect("is text");
        let two = format!("{one}, {}", one.replacen("sig1=", "sig2=", 1));
        request.headers_mut().insert(name, two.parse().expect("is a value"));
    }
    assert_eq!(edge.send(request).await.refusal(), (401, "authorization-failure".to_owned()));
}

#[tokio::test]
async fn signed_byte_order_mark_is_no_json() {
    let edge = edge_with_charges();
    let body = format!("\u{feff}{}", charge());
    let signed = edge.sign_as("netflix-1", request("POST", CHARGES, &body));
    assert_eq!(edge.send(signed).await.refusal(), (400, "invalid-request".to_owned()));
    let mut unsigned = signed_charge(&edge);
    *unsigned.body_mut() = Bytes::from(body);
    assert_eq!(edge.send(unsigned).await.refusal(), (401, "authorization-failure".to_owned()));
}
