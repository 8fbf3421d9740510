//! What an engineer reads of a body that is refused: which member is wrong, what was expected there, and
//! the position.
//!
//! The value is never shown, because it can be a number or a token. serde's errors quote it, so they are
//! not shown as they are: what is shown of them is the name of a member and what was expected, both of which
//! are words of onbill's own types.

use super::member_path::MemberPath;

/// The whole of what says that an array or a text was sent in the place of a body.
pub(super) const NO_OBJECT: &str = "not a JSON object";

/// How the errors of our own types begin. They are fixed sentences.
const OWN_SENTENCES: [&str; 2] = ["not a", "servicePeriod"];

/// Describes why a body is refused.
pub(super) fn describe_error(error: &serde_json::Error, path: &MemberPath) -> String {
    let position = format!("line {}, column {}", error.line(), error.column());
    if !error.is_data() {
        return format!("The body is not well-formed JSON ({position}).");
    }
    let text = error.to_string();
    if text == NO_OBJECT {
        return "The body is not a JSON object.".to_owned();
    }
    let text = text.rsplit_once(" at line ").map_or(&*text, |(text, _)| text);
    format!("{} ({position}).", describe_member(text, &path.to_string()))
}

/// Says what is wrong with the member at this path, or with a member of it.
fn describe_member(text: &str, path: &str) -> String {
    let within = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let named = |start: &str| text.strip_prefix(start)?.strip_suffix('`').map(within);
    if let Some(member) = named("missing field `") {
        return format!("{member} is missing");
    }
    if let Some(member) = named("duplicate field `") {
        return format!("{member} is there twice");
    }
    if OWN_SENTENCES.iter().any(|start| text.starts_with(start)) && !text.contains('"') {
        return if text.starts_with(path) { text.to_owned() } else { format!("{path}: {text}") };
    }
    match find_expected(text) {
        _ if path.is_empty() => "A member has the wrong type or value".to_owned(),
        Some(expected) => format!("{path}: expected {expected}"),
        None => format!("{path} has the wrong type or value"),
    }
}

/// What serde expected, in words of JSON; `None` where it says so by a type of Rust. The value stands before
/// it, and may itself have these words in it, so the last ones count.
fn find_expected(text: &str) -> Option<&str> {
    let starts = ["invalid type: ", "invalid value: ", "unknown variant "];
    let (found, expected) = text.rsplit_once(", expected ")?;
    if !starts.iter().any(|start| found.starts_with(start)) {
        return None;
    }
    match expected {
        "a string" | "a word" => Some("a string"),
        "a boolean" => Some("true or false"),
        "a sequence" => Some("an array"),
        "a map" => Some("an object"),
        name if name.starts_with("struct ") => Some("an object"),
        name if is_integer(name) => {
            let is_one = found.starts_with("invalid value: integer ");
            Some(if is_one { "an integer within its range" } else { "an integer" })
        }
        words if words.starts_with('`') || words.starts_with("one of `") => Some(words),
        _ => None,
    }
}

/// Whether this is one of Rust's integers, such as `i64`.
fn is_integer(name: &str) -> bool {
    name.strip_prefix(['i', 'u']).is_some_and(|bits| bits == "size" || bits.parse::<u8>().is_ok())
}

#[cfg(test)]
mod tests {
    use crate::wire::operator::ErasureRequest;
    use crate::wire::origin::PaiMappingsRequest;
    use crate::wire::ott::TransactionRequest;
    use crate::wire::parse;
    use serde_json::{Value, json};

    /// What is done to a body.
    type Change = fn(&mut Value);

    fn charge(change: impl FnOnce(&mut Value)) -> String {
        let mut body = json!({
            "extTransactionID": "n-1", "pai": "01010101-0101-4101-8101-010101010101",
            "amount": {"value": 1599, "currency": "USD"}, "description": "Netflix",
            "servicePeriod": {"from": "2027-01-01", "to": "2027-01-31"},
        });
        change(&mut body);
        refusal::<TransactionRequest>(&body)
    }

    /// The message without the position at its end.
    fn refusal<T: serde::de::DeserializeOwned>(body: &Value) -> String {
        let message = parse::<T>(body.to_string().as_bytes()).err().expect("is refused").message;
        let (text, position) = message.rsplit_once(" (").expect("has a position");
        assert!(position.starts_with("line 1, column "), "{message}");
        text.to_owned()
    }

    #[test]
    fn refusal_names_the_member_and_what_was_expected() {
        let cases: [(Change, &str); 16] = [
            (|c| c["amount"]["value"] = json!("12025550101"), "amount.value: expected an integer"),
            (|c| c["amount"]["value"] = json!(15.99), "amount.value: expected an integer"),
            (
                |c| c["amount"]["value"] = json!(9_223_372_036_854_775_808_u64),
                "amount.value: expected an integer within its range",
            ),
            (|c| c["amount"] = json!(["+12025550101", "USD"]), "amount: expected an object"),
            (|c| c["amount"] = json!({"value": 1}), "amount.currency is missing"),
            (|c| c["amount"]["currency"] = json!("usd"), "amount.currency: not an ISO 4217 currency"),
            (|c| c["pai"] = json!(12_025_550_101_u64), "pai: expected a string"),
            (|c| c["pai"] = json!("+1 202 555 0101"), "pai: not a PAI"),
            (|c| c["description"] = Value::Null, "description: expected a string"),
            (|c| c["tax"] = json!({"value": 1, "currency": 7}), "tax.currency: expected a string"),
            (
                |c| c["tax"] = json!({"value": 1, "currency": "USD", "rate": "8 %"}),
                "tax.rate: not a percentage as text, such as 8.25",
            ),
            (
                |c| c["tax"] = json!({"value": 1, "currency": "USD", "included": "yes"}),
                "tax.included: expected true or false",
            ),
            (
                |c| c["servicePeriod"]["to"] = json!("31.01.2027"),
                "servicePeriod.to: not a date of the form YYYY-MM-DD",
            ),
            (|c| c["servicePeriod"]["to"] = json!("2026-01-31"), "servicePeriod ends before it begins"),
            (|c| c["servicePeriod"] = json!({"from": "2027-01-01"}), "servicePeriod.to is missing"),
            (
                |c| c["extTransactionID"] = json!("a b"),
                "extTransactionID: not an identifier: 1 to 128 printable ASCII characters without spaces",
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(charge(change), expected);
        }
        let mappings = |entry: Value| refusal::<PaiMappingsRequest>(&json!({"mappings": [entry]}));
        assert_eq!(mappings(json!({"pai": 1})), "mappings[0].pai: expected a string");
        assert_eq!(mappings(json!({"mapping": {}})), "mappings[0].mapping.operator is missing");
        assert_eq!(refusal::<PaiMappingsRequest>(&json!({"mappings": {}})), "mappings: expected an array");
    }

    #[test]
    fn refusal_lists_words_and_never_the_value() {
        let erasure = |role: Value| {
            refusal::<ErasureRequest>(&json!({"erasureID": "e", "msisdn": "+12025550101", "role": role}))
        };
        let listed = erasure(json!("boss"));
        assert!(listed.starts_with("role: expected one of `") && listed.contains("`care`"), "{listed}");
        assert_eq!(erasure(json!(7)), "role: expected a string");
        for value in [
            json!("+12025550101"),
            json!("`, expected `+12025550101`"),
            json!("a, expected one of `+12025550101` at line 1 column 2"),
            json!("missing field `+12025550101`"),
            json!("not a +12025550101"),
            json!(12_025_550_101_u64),
            json!({"+12025550101": 1}),
            json!(["+12025550101"]),
        ] {
            for text in [
                erasure(value.clone()),
                charge(|c| c["pai"] = value.clone()),
                charge(|c| c["amount"] = value.clone()),
                charge(|c| c["amount"]["value"] = json!([value.clone()])),
                charge(|c| c["servicePeriod"] = json!({"+12025550101": 1, "from": value.clone()})),
            ] {
                assert!(!text.contains("2025550101"), "{value}: {text}");
            }
        }
    }
}
