//! Reading a JSON body into its type, with a refusal that helps and tells nothing.

use crate::reject::Reject;
use serde::de::DeserializeOwned;

/// Parses `body`; `invalid-request` says which rule it broke, never the value that broke it.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reject> {
    serde_json::from_slice(body).map_err(|error| Reject::invalid_request(public_message(&error)))
}

/// Our own complaints are static sentences and may be told, as may the name of a missing member. serde's messages
/// about a wrong type quote the value, which may be a number or a token: those are cut down to a position.
fn public_message(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let at = format!("line {}, column {}", error.line(), error.column());
    if !error.is_data() {
        return format!("The body is not well-formed JSON ({at}).");
    }
    let safe = ["missing field", "not a", "not an", "servicePeriod"];
    let complaint = text.split(" at line ").next().unwrap_or_default();
    if safe.iter().any(|start| complaint.starts_with(start)) && !complaint.contains('"') {
        format!("{complaint} ({at}).")
    } else {
        format!("A member has the wrong type or value ({at}).")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ott::TransactionRequest;

    #[test]
    fn complaints_help_and_never_quote_a_value() {
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
