//! The vectors of docs/signing.md, which another implementation has made: what it signs we verify, what
//! we sign is the same, and each refusal has its reason.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Uri};
use onbill_domain::encoding::decode_base64;
use onbill_domain::key::{Key, KeyUse, Keyring};
use onbill_domain::signature::{
    ReceivedSignature, RequestComponents, ResponseComponents, SignatureError, sign_request, verify_request,
    verify_response,
};
use onbill_domain::timestamp::Timestamp;
use serde_json::Value;
use std::path::Path;

struct Vectors {
    json: Value,
    keys: Keyring,
    now: Timestamp,
}

impl Vectors {
    fn read() -> Self {
        let json: Value = serde_json::from_str(&read("tests/vectors/signatures.json")).expect("is JSON");
        let keys = Keyring::parse(&json["keys"].to_string()).expect("is a ring");
        let now = Timestamp::from_unix_seconds(json["now"].as_i64().expect("is a number"));
        Self { json, keys, now }
    }

    fn of(&self, kind: &str) -> &Vec<Value> {
        self.json[kind].as_array().expect("is a list")
    }

    fn verify_request(&self, vector: &Value) -> Result<(), SignatureError> {
        let uri: Uri = text(vector, "url").parse().expect("is an address");
        let headers = headers(vector);
        let content_type =
            headers.get("content-type").map_or("", |value| value.to_str().expect("is text")).to_owned();
        let body = text(vector, "body").as_bytes();
        let request = RequestComponents {
            method: text(vector, "method"),
            authority: uri.authority().expect("is absolute").as_str(),
            path: uri.path(),
            query: uri.query().unwrap_or_default(),
            body: (!body.is_empty()).then_some((body, content_type.as_str())),
        };
        let received = ReceivedSignature::from_headers(&headers).ok_or(SignatureError::Malformed)?;
        verify_request(&request, received, &self.keys, key_use(vector), self.now).map(|_| ())
    }

    fn verify_response(&self, vector: &Value) -> Result<(), SignatureError> {
        let request = self.of("requests").iter().find(|request| request["name"] == vector["request"]);
        let headers = headers(vector);
        let response = ResponseComponents {
            status: vector["status"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("is one"),
            body: (text(vector, "body").as_bytes(), "application/json"),
            request_signature: text(&request.expect("is there")["headers"], "signature"),
        };
        let received = ReceivedSignature::from_headers(&headers).ok_or(SignatureError::Malformed)?;
        verify_response(&response, received, &self.keys, KeyUse::OriginToPartner, self.now).map(|_| ())
    }
}

/// A file of the repository.
fn read(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    std::fs::read_to_string(root.join(path)).expect("is there")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn key_use(vector: &Value) -> KeyUse {
    KeyUse::parse(text(vector, "use")).expect("is a use")
}

fn headers(vector: &Value) -> HeaderMap {
    let fields = vector["headers"].as_object().expect("are there");
    let field = |(name, value): (&String, &Value)| {
        let name: HeaderName = name.parse().expect("is a name");
        (name, HeaderValue::from_str(value.as_str().expect("is text")).expect("is a value"))
    };
    fields.iter().map(field).collect()
}

/// Whether the key has signed this base.
fn is_signed(vector: &Value, key: &Key) -> bool {
    let signature = text(&vector["headers"], "signature");
    let encoded = signature.strip_prefix("sig1=:").and_then(|rest| rest.strip_suffix(':')).expect("is one");
    key.verify(text(vector, "base").as_bytes(), &decode_base64(encoded).expect("is base64"))
}

/// A string parameter of `signature-input`.
fn parameter<'v>(vector: &'v Value, name: &str) -> &'v str {
    let input = text(&vector["headers"], "signature-input");
    let (_, rest) = input.split_once(&format!("{name}=\"")).expect("is there");
    rest.split('"').next().unwrap_or_default()
}

#[test]
fn requests_of_the_vectors_are_valid_and_signed_alike() {
    let vectors = Vectors::read();
    for vector in vectors.of("requests") {
        let name = text(vector, "name");
        assert_eq!(vectors.verify_request(vector), Ok(()), "{name}");
        let key = vectors.keys.find(key_use(vector), parameter(vector, "keyid")).expect("is there");
        assert!(is_signed(vector, key), "{name}");

        let body = text(vector, "body");
        let mut request = Request::builder().method(text(vector, "method")).uri(text(vector, "url"));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let mut request = request.body(Bytes::from(body.to_owned())).expect("is a request");
        sign_request(&mut request, key, vectors.now, parameter(vector, "nonce")).expect("signs");
        assert_eq!(request.headers(), &headers(vector), "{name}");
    }
}

#[test]
fn page_shows_what_the_vectors_have() {
    let (vectors, page) = (Vectors::read(), read("docs/signing.md"));
    let (request, response) = (&vectors.of("requests")[0], &vectors.of("responses")[0]);
    let headers = &request["headers"];
    for shown in [
        text(request, "base"),
        text(response, "base"),
        text(headers, "content-digest"),
        text(headers, "signature-input"),
        text(headers, "signature"),
    ] {
        assert!(page.contains(shown), "docs/signing.md lacks {shown}");
    }
}

#[test]
fn responses_of_the_vectors_are_valid() {
    let vectors = Vectors::read();
    for vector in vectors.of("responses") {
        assert_eq!(vectors.verify_response(vector), Ok(()), "{}", text(vector, "name"));
        let key = vectors.keys.find(KeyUse::OriginToPartner, parameter(vector, "keyid"));
        assert!(is_signed(vector, key.expect("is there")));
    }
}

#[test]
fn each_refusal_of_the_vectors_has_its_reason() {
    let vectors = Vectors::read();
    let mut reasons = Vec::new();
    let requests =
        vectors.of("refused_requests").iter().map(|vector| (vector, vectors.verify_request(vector)));
    let responses =
        vectors.of("refused_responses").iter().map(|vector| (vector, vectors.verify_response(vector)));
    for (vector, expected) in requests.chain(responses) {
        let reason = expected.map_err(SignatureError::as_str);
        assert_eq!(reason, Err(text(vector, "reason")), "{}", text(vector, "name"));
        reasons.push(text(vector, "reason"));
    }
    for reason in ["malformed", "stale", "unknown-key", "digest-mismatch", "bad-signature"] {
        assert!(reasons.contains(&reason), "there is no vector for {reason}");
    }
}
