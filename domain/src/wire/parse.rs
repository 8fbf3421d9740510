//! Parsing a JSON body, with an error that helps an engineer and quotes no value.

use crate::reject::Reject;
use serde::de::DeserializeOwned;

/// Parses `body`. `invalid-request` says which rule the body broke, and never the value that broke
/// it.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reject> {
    serde_json::from_slice(body).map_err(|error| Reject::invalid_request(describe_error(&error)))
}

/// The errors of our own types are fixed sentences and safe to show, and so is the name of a
/// missing member. serde's errors for a wrong type quote the value, which can be a number or a
/// token: only their position is shown.
fn describe_error(error: &serde_json::Error) -> String {
    let position = format!("line {}, column {}", error.line(), error.column());
    if !error.is_data() {
        return format!("The body is not well-formed JSON ({position}).");
    }
    let safe_starts = ["missing field", "not a", "not an", "servicePeriod"];
    let text = error.to_string();
    let sentence = text.split(" at line ").next().unwrap_or_default();
    if safe_starts.iter().any(|start| sentence.starts_with(start)) && !sentence.contains('"') {
        format!("{sentence} ({position}).")
    } else {
        format!("A member has the wrong type or value ({position}).")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ott::TransactionRequest;

    #[test]
    fn parse_error_never_quotes_a_value() {
        let message =
            |body: &str| parse::<TransactionRequest>(body.as_bytes()).expect_err("is refused").message;
        assert_eq!(message("{"), "The body is not well-formed JSON (line 1, column 1).");
        assert!(message("{}").starts_with("missing field `extTransactionID`"));
        assert!(message(r#"{"extTransactionID":"a b"}"#).starts_with("not an identifier"));
        let quoted = message(r#"{"extTransactionID":"a","pai":12025550101}"#);
        assert!(!quoted.contains("2025550101"), "{quoted}");
        let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(message(&nested).len() < 200);
    }
}
