//! The documents against the recorded transcripts, which have every kind of answer: nothing is
//! answered that is not documented, and the examples are bodies that were sent.

use super::document::{Document, Operation, document, documents, object};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// A request and its response, as a transcript has them.
struct Exchange {
    method: String,
    authority: String,
    path: String,
    request: Value,
    status: String,
    /// The names of the response's header fields.
    headers: BTreeSet<String>,
    response: Value,
}

/// All recorded exchanges.
fn exchanges() -> Vec<Exchange> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("flows/recorded_responses/golden");
    let files = fs::read_dir(folder).expect("is there").map(|entry| entry.expect("is a file").path());
    files.flat_map(|file| parse(&fs::read_to_string(file).expect("is text"))).collect()
}

fn parse(transcript: &str) -> Vec<Exchange> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    // Bodies that were forwarded stand once in a step, and are numbered from then on.
    let mut bodies: Vec<&str> = Vec::new();
    for line in transcript.lines() {
        if line.starts_with("-- ") {
            bodies.clear();
        } else if let Some(exchange) = parse_first_line(line) {
            exchanges.push(exchange);
        } else if let (Some(status), Some(exchange)) = (line.strip_prefix("=> "), exchanges.last_mut()) {
            status.clone_into(&mut exchange.status);
        } else if let (Some(name), Some(exchange)) = (parse_header_name(line), exchanges.last_mut()) {
            if !exchange.status.is_empty() {
                exchange.headers.insert(name.to_owned());
            }
        } else if let (Some(body), Some(exchange)) = (line.strip_prefix("  |"), exchanges.last_mut()) {
            let body = if let Some(number) = body.strip_prefix("= body ") {
                let number = number.split(' ').next().and_then(|number| number.parse::<usize>().ok());
                number.and_then(|number| bodies.get(number - 1).copied()).unwrap_or_default()
            } else {
                bodies.push(body);
                body
            };
            let body = serde_json::from_str(body).unwrap_or(Value::Null);
            if exchange.status.is_empty() {
                exchange.request = body;
            } else {
                exchange.response = body;
            }
        }
    }
    exchanges
}

fn parse_first_line(line: &str) -> Option<Exchange> {
    let (method, address) = line.split_once(" 127.0.0.1:")?;
    let (port, target) = address.split_once('/')?;
    if !method.bytes().all(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let path = target.split('?').next().unwrap_or_default();
    Some(Exchange {
        method: method.to_owned(),
        authority: port.to_owned(),
        path: format!("/{path}"),
        request: Value::Null,
        status: String::new(),
        headers: BTreeSet::new(),
        response: Value::Null,
    })
}

/// The name of a header field, if the line is one. A body begins with `|`.
fn parse_header_name(line: &str) -> Option<&str> {
    let (name, _) = line.strip_prefix("  ")?.split_once(": ")?;
    name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then_some(name)
}

/// The document that an exchange belongs to, and the path there.
fn document_of(exchange: &Exchange) -> Option<(&'static str, &str)> {
    let path = exchange.path.as_str();
    match exchange.authority.as_str() {
        "8787" if path.starts_with("/ott/") => Some(("ott", path)),
        "8788" | "9788" if path.starts_with("/operator/") => Some(("operator", path)),
        "8790" | "9790" | "8793" => path.strip_prefix("/csp").map(|path| ("csp", path)),
        "8791" => Some(("partner", path)),
        _ => None,
    }
}

/// The exchanges of each call of a document. A path or a method that is unknown gets the refusals that
/// the document's introduction names; `HEAD` is nothing that it offers.
fn exchanges_of<'a>(document: &'a Document, all: &'a [Exchange]) -> Vec<(Operation<'a>, &'a Exchange)> {
    let mut found = Vec::new();
    for exchange in all.iter().filter(|exchange| exchange.method != "HEAD") {
        let Some((name, path)) = document_of(exchange) else { continue };
        if name != document.name {
            continue;
        }
        if let Some(operation) = document.operation(&exchange.method, path) {
            found.push((operation, exchange));
        } else {
            let status = exchange.status.as_str();
            assert!(["404", "405"].contains(&status), "{} {path}: {status}", exchange.method);
        }
    }
    found
}

/// Checks that a schema has all members of a value, and the words in it.
fn check_value(document: &Document, schema: &Value, value: &Value, what: &str) {
    let schema = document.resolve(schema);
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let property = &schema["properties"][name];
                assert!(!property.is_null(), "{what}: {name} is not documented");
                check_value(document, property, member, &format!("{what}.{name}"));
            }
            for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                assert!(members.contains_key(name), "{what}: {name} is missing");
            }
        }
        Value::Array(items) => {
            for item in items {
                check_value(document, &schema["items"], item, what);
            }
        }
        value => {
            let words = schema["enum"].as_array();
            assert!(words.is_none_or(|words| words.contains(value)), "{what}: {value}");
        }
    }
}

#[test]
fn every_recorded_answer_is_documented() {
    let all = exchanges();
    for document in documents() {
        let mut called = BTreeSet::new();
        for (operation, Exchange { status, headers, response: body, .. }) in exchanges_of(&document, &all) {
            let what = format!("{} {} {status}", operation.method, operation.pattern);
            called.insert((operation.method.clone(), operation.pattern));
            let responses = operation.responses();
            let response = responses.get(status).or_else(|| responses.get("default"));
            let response = document.resolve(response.unwrap_or_else(|| panic!("{what} is not documented")));
            if let Some(code) = body["code"].as_str().filter(|_| response.get("x-codes").is_some()) {
                assert!(response["x-codes"].get(code).is_some(), "{what}: {code} is not documented");
            }
            // Of the sandbox's responses the transcripts have only the status.
            let documented = response["headers"].as_object().filter(|_| !document.is_of_others());
            for name in documented.into_iter().flat_map(Map::keys) {
                assert!(headers.contains(name), "{what} has no {name}: {body}");
            }
            let content = &response["content"]["application/json"];
            if !body.is_null() {
                assert!(!content.is_null(), "{what} has a body");
                check_value(&document, &content["schema"], body, &what);
            }
        }
        for operation in document.operations() {
            let call = (operation.method, operation.pattern);
            assert!(called.contains(&call), "{call:?} is in no transcript");
        }
    }
}

/// The example bodies of a request or a response.
fn examples(content: &Value) -> impl Iterator<Item = &Value> {
    let examples = content["application/json"]["examples"].as_object();
    examples.into_iter().flatten().map(|(_, example)| &example["value"])
}

/// What other parties answer is written by hand: the transcripts do not have it.
#[test]
fn examples_are_bodies_of_recorded_calls() {
    let all = exchanges();
    for document in documents() {
        let exchanges = exchanges_of(&document, &all);
        for operation in document.operations() {
            let is_same = |other: &Operation<'_>| {
                (&other.method, other.pattern) == (&operation.method, operation.pattern)
            };
            let of_this = exchanges.iter().filter(|(other, _)| is_same(other));
            let of_this: Vec<&Exchange> = of_this.map(|(_, exchange)| *exchange).collect();
            let what = format!("{} {}", operation.method, operation.pattern);
            for example in examples(&operation.json["requestBody"]["content"]) {
                assert!(of_this.iter().any(|exchange| exchange.request == *example), "{what}: {example}");
            }
            for (status, response) in operation.responses() {
                for example in examples(&response["content"]) {
                    let schema = &response["content"]["application/json"]["schema"];
                    check_value(&document, schema, example, &what);
                    let was_sent =
                        of_this.iter().any(|found| found.status == *status && found.response == *example);
                    let is_of_others = document.is_of_others();
                    assert!(was_sent || is_of_others, "{what} {status}: {example}");
                }
            }
        }
    }
}

/// The origin reads answers of the CSP API by rules of its own: the examples are clear to it.
#[test]
fn examples_of_the_csp_api_are_clear_to_the_origin() {
    use onbill_domain::wire::csp_answer::{read_account, read_charge_outcome, read_refund_outcome};
    let csp = document("csp");
    for operation in csp.operations() {
        for (status, response) in operation.responses() {
            for example in examples(&response["content"]).filter(|_| status.starts_with('2')) {
                let body = example.to_string();
                let is_clear = match operation.pattern {
                    "/account/validate" => read_account(body.as_bytes()).is_some(),
                    "/refund" => read_refund_outcome(body.as_bytes()).is_some(),
                    _ => read_charge_outcome(body.as_bytes()).is_some(),
                };
                assert!(is_clear, "{} {body}", operation.pattern);
            }
        }
    }
}

#[test]
fn code_has_the_status_that_it_is_documented_with() {
    use onbill_domain::reject::ErrorCode;
    for document in documents() {
        for operation in document.operations() {
            for (status, response) in operation.responses() {
                let codes = document.resolve(response)["x-codes"].as_object();
                for (code, facts) in codes.into_iter().flatten() {
                    let known = ErrorCode::parse(code).unwrap_or_else(|| panic!("{code} is no code"));
                    assert_eq!(known.status().as_str(), status, "{} {code}", operation.pattern);
                    let said: Vec<&str> = object(facts).keys().map(String::as_str).collect();
                    assert_eq!(said, ["cause", "remedy"], "{} {code}", operation.pattern);
                }
            }
        }
    }
}
