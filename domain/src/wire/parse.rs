//! Reading JSON of other parties, by one rule: where an object is meant, an object is read, and no
//! array of its members. A member that onbill reads may occur once. Members that it does not know
//! are skipped, however often they occur.

use crate::reject::Reject;
use crate::wire::strict::strict;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

/// Parses the body of a call, with an error that helps an engineer: `invalid-request` says which
/// rule the body broke, and never the value that broke it.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reject> {
    read_object(body).map_err(|error| Reject::invalid_request(describe_error(&error)))
}

/// Reads JSON that is an object.
pub fn read_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, serde_json::Error> {
    let read = read_json(json);
    let begins_with = json.iter().find(|byte| !b" \t\r\n".contains(byte));
    match read {
        read if begins_with == Some(&b'{') => read,
        Err(error) if !error.is_data() => Err(error),
        _ => Err(serde_json::Error::custom(NO_OBJECT)),
    }
}

/// Reads JSON whose structs are objects; the whole may be a list of them.
pub fn read_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = strict(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

const NO_OBJECT: &str = "not a JSON object";

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
    if text == NO_OBJECT {
        return "The body is not a JSON object.".to_owned();
    }
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
        for other in ["[]", "[1]", "null", "\"text\"", " 1"] {
            assert_eq!(message(other), "The body is not a JSON object.", "{other}");
        }
        let nested = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(message(&nested).len() < 200);
    }

    #[test]
    fn member_that_is_read_occurs_once() {
        use crate::wire::edge::{FlowPurpose, FlowStep, ValidateRequest};
        let charge = |more: &str| {
            let days = r#""servicePeriod":{"from":"2027-01-01","to":"2027-01-31"}"#;
            let pai = "01010101-0101-4101-8101-010101010101";
            let body = format!(
                r#"{{"extTransactionID":"a","pai":"{pai}","amount":{{"value":1,"currency":"USD"{more}}},"description":"x",{days}{more}}}"#
            );
            read_object::<TransactionRequest>(body.as_bytes()).is_ok()
        };
        assert!(charge(""));
        assert!(charge(r#","unknown":1,"unknown":[[{}]]"#), "what is not read is skipped");
        for twice in [r#","pai":null"#, r#","value":1"#, r#","\u0076alue":1"#, r#","description":"x""#] {
            assert!(!charge(twice), "{twice}");
        }
        let purpose = |members: &str| {
            let body = format!(r#"{{{members},"msisdn":"1","locale":"en"}}"#);
            read_object::<ValidateRequest>(body.as_bytes()).ok().map(|request| request.purpose)
        };
        assert!(matches!(purpose(r#""offer":"a""#), Some(FlowPurpose::SignUp { .. })));
        for twice in [
            r#""offer":"a","offer":"b""#,
            r#""view":"account","view":"account""#,
            r#""offer":"a","msisdn":"2""#,
        ] {
            assert!(purpose(twice).is_none(), "{twice}");
        }
        for twice in [r#""step":"pin","step":"pin""#, r#""step":"already-on-bill","flow":"a","flow":"b""#] {
            assert!(read_object::<FlowStep>(format!("{{{twice}}}").as_bytes()).is_err(), "{twice}");
        }
    }
}
