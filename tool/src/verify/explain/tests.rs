//! What `onbill verify` says of the vectors of docs/signing.md.

use super::*;
use serde_json::Value;
use std::path::Path;

fn vectors() -> Value {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/signatures.json");
    serde_json::from_str(&std::fs::read_to_string(file).expect("is there")).expect("is JSON")
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_default()
}

fn explain_vector(vectors: &Value, vector: &Value) -> Report {
    let ring = Keyring::parse(&vectors["keys"].to_string()).expect("is a ring");
    let fields = vector["headers"].as_object().expect("are there").iter();
    let message = Message {
        method: text(vector, "method").to_owned(),
        target: text(vector, "url").to_owned(),
        fields: fields
            .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
            .collect(),
        body: text(vector, "body").as_bytes().to_vec(),
    };
    let now = Timestamp::from_unix_seconds(vectors["now"].as_i64().expect("is a number"));
    let key_use = KeyUse::parse(text(vector, "use"));
    explain(&message, None, &ring, key_use, now).expect("names a host")
}

fn list<'v>(vectors: &'v Value, kind: &str) -> &'v Vec<Value> {
    vectors[kind].as_array().expect("is a list")
}

#[test]
fn valid_request_is_right_in_every_part() {
    let vectors = vectors();
    for vector in list(&vectors, "requests") {
        let report = explain_vector(&vectors, vector);
        assert!(report.is_valid() && report.findings.iter().all(|finding| finding.is_right), "{report}");
        assert_eq!(report.base, text(vector, "base"));
    }
}

#[test]
fn each_refusal_names_the_part_that_is_wrong() {
    let vectors = vectors();
    for vector in list(&vectors, "refused_requests") {
        let report = explain_vector(&vectors, vector);
        let name = text(vector, "name");
        assert_eq!(report.result.as_ref().map_err(|why| why.as_str()), Err(text(vector, "reason")), "{name}");
        let wrong = report.findings.iter().filter(|finding| !finding.is_right);
        let wrong: Vec<&str> = wrong.map(|finding| finding.part).collect();
        assert!(wrong.contains(&text(vector, "part")), "{name}: {report}");
    }
}

#[test]
fn usual_mistakes_of_signers_are_recognized() {
    let vectors = vectors();
    for (name, part) in [
        ("method in lower case", "\"@method\" is \"post\""),
        ("default port in the authority", "\"@authority\" is \"pay.example.com:443\""),
        ("path is decoded", "\"@path\" is \"/ott/v1/transaction/mine/1\""),
        ("lower-case escape in the path", "\"@path\" is \"/ott/v1/transaction/mine%2f1\""),
        ("absent query without its question mark", "\"@query\" is \"\""),
        ("charset is sent, and not signed", "\"content-type\" is \"application/json\""),
        ("newline at the end of the base", "ends with a newline"),
        ("hash of the base is signed", "sign the base itself"),
        ("secret is used as text", "decode it from base64url"),
        ("milliseconds", "not milliseconds"),
        ("byte order mark before the body", "byte order mark"),
        ("signed by another key", "another key"),
    ] {
        let vector = list(&vectors, "refused_requests").iter().find(|vector| vector["name"] == name);
        let report = explain_vector(&vectors, vector.expect("is there")).to_string();
        assert!(report.contains(part), "{name}: {report}");
    }
}

#[test]
fn digest_without_a_body_is_ignored() {
    let vectors = vectors();
    let look_up = list(&vectors, "requests").iter().find(|vector| vector["name"] == "look-up");
    let mut look_up = look_up.expect("is there").clone();
    look_up["headers"]["content-digest"] = "sha-256=:AAAA:".into();
    let report = explain_vector(&vectors, &look_up);
    assert!(report.is_valid() && report.findings.iter().all(|finding| finding.is_right), "{report}");
}
