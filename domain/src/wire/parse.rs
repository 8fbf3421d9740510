//! Reading JSON of other parties, by one rule: where an object is meant, an object is read, and no
//! array of its members. A member that onbill reads may occur once. Members that it does not know
//! are skipped, however often they occur.

use crate::reject::Reject;
use crate::wire::member_path::MemberPath;
use crate::wire::refusal_text::{NO_OBJECT, describe_error};
use crate::wire::strict::strict_at;
use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};

/// Parses the body of a call, with an error that helps an engineer: `invalid-request` says which
/// member breaks which rule, and never the value that breaks it.
pub fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Reject> {
    let path = MemberPath::default();
    read_object_at(body, &path).map_err(|error| Reject::invalid_request(describe_error(&error, &path)))
}

/// Reads JSON that is an object.
pub fn read_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, serde_json::Error> {
    read_object_at(json, &MemberPath::default())
}

/// Reads JSON whose structs are objects; the whole may be a list of them.
pub fn read_json<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, serde_json::Error> {
    read_json_at(json, &MemberPath::default())
}

fn read_object_at<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    path: &MemberPath,
) -> Result<T, serde_json::Error> {
    let read = read_json_at(json, path);
    let begins_with = json.iter().find(|byte| !b" \t\r\n".contains(byte));
    match read {
        read if begins_with == Some(&b'{') => read,
        Err(error) if !error.is_data() => Err(error),
        _ => Err(serde_json::Error::custom(NO_OBJECT)),
    }
}

/// An error notes in `path` which member it is about.
fn read_json_at<'de, T: Deserialize<'de>>(
    json: &'de [u8],
    path: &MemberPath,
) -> Result<T, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let value = strict_at(&mut deserializer, path)?;
    deserializer.end()?;
    Ok(value)
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
        assert_eq!(message("{}"), "extTransactionID is missing (line 1, column 2).");
        assert!(message(r#"{"extTransactionID":"a b"}"#).starts_with("extTransactionID: not an identifier"));
        let twice = message(r#"{"extTransactionID":"a","extTransactionID":"b"}"#);
        assert!(twice.starts_with("extTransactionID is there twice (line 1, column "), "{twice}");
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
