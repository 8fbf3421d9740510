//! Reads a JSON object of another party member by member, so that a flaw in one member costs no
//! other.
//!
//! Hand-made JSON has flaws that a strict parser refuses although a person reads it without doubt:
//! a byte order mark, a raw line break in a text, `00` as a number, a comma before the end. Here
//! brackets and quotation marks delimit the members, and the reader of each member decides whether
//! its value is clear. An object that is not complete, or is followed by anything else, is refused.

use crate::account::{Stated, UnknownWord};
use serde_json::{Map, Value};

/// The members of an object, each with its value as it is spelled.
pub(super) struct Members<'t>(Vec<(String, &'t str)>);

/// The text of a body: without a byte order mark, and with a blank for each control character,
/// which JSON allows between values only. A byte that is not UTF-8 becomes U+FFFD.
pub(super) fn read_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.trim_start_matches('\u{feff}').replace(|c| c < ' ', " ")
}

impl<'t> Members<'t> {
    /// Delimits the members of the one object in `text`; `None` for anything else.
    pub(super) fn parse(text: &'t str) -> Option<Self> {
        let mut members = Vec::new();
        let mut rest = text.trim_start().strip_prefix('{')?.trim_start();
        while !rest.starts_with('}') {
            let (name, after) = split_string(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            let (value, after) = split_value(value)?;
            members.push((unquote_string(name).unwrap_or_default(), value));
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(next) => next.trim_start(),
                None if after.starts_with('}') => after,
                None => return None,
            };
        }
        rest[1..].trim().is_empty().then_some(Self(members))
    }

    /// The value of a member that decides, as `read` understands it; `Ok(None)` when it is absent.
    /// An error when it is not clear: `read` does not understand it, or it is there twice and says
    /// different things.
    pub(super) fn decisive<T: PartialEq>(
        &self,
        name: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, NotClear> {
        let mut found = None;
        for value in self.values(name) {
            let value = read(value).ok_or(NotClear)?;
            if found.as_ref().is_some_and(|found| *found != value) {
                return Err(NotClear);
            }
            found = Some(value);
        }
        Ok(found)
    }

    /// The value of a member that decides nothing; `None` also when it is not clear.
    pub(super) fn incidental<T: PartialEq>(&self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        self.decisive(name, read).ok().flatten()
    }

    /// What an optional member that decides states; `None` when it is absent, null, empty or blank. When
    /// `read` does not understand it, or it is there twice and says different things, it is unknown.
    pub(super) fn stated<T: PartialEq>(
        &self,
        name: &'static str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<Stated<T>> {
        let says_nothing = |value: &str| {
            let text = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            ["null", ""].contains(&value) || text.is_some_and(|text| text.trim_matches(is_blank).is_empty())
        };
        let values: Vec<&str> = self.values(name).filter(|value| !says_nothing(value)).collect();
        let mut known = values.iter().map(|value| read(value));
        match known.next()? {
            Some(first) if known.all(|other| other.as_ref() == Some(&first)) => Some(Stated::Known(first)),
            _ => {
                let words: Vec<String> = values
                    .iter()
                    .map(|value| read_word(value).unwrap_or_else(|| (*value).to_owned()))
                    .collect();
                Some(Stated::Unknown(UnknownWord::new(name, &words.join(", "))))
            }
        }
    }

    /// The members as JSON, by their names in lower case. A value that is no JSON is a text of its
    /// spelling.
    pub(super) fn to_json(&self) -> Map<String, Value> {
        let read = |value: &str| serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        self.0.iter().map(|(name, value)| (name.trim().to_ascii_lowercase(), read(value))).collect()
    }

    fn values(&self, name: &str) -> impl Iterator<Item = &'t str> {
        self.0
            .iter()
            .filter(move |(found, _)| found.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| *value)
    }
}

/// A member that decides can be understood in no way, or in several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotClear;

/// The text of a string, or the spelling of a number or a bare word, without blanks and invisible
/// characters around it. `None` for null, an empty text, a list or an object.
pub(super) fn read_word(value: &str) -> Option<String> {
    let word = if value.starts_with('"') { unquote_string(value)? } else { value.to_owned() };
    let word = word.trim_matches(is_blank);
    let is_bare_text = !value.starts_with(['"', '{', '[']) && value != "null";
    ((value.starts_with('"') || is_bare_text) && !word.is_empty()).then(|| word.to_owned())
}

/// Whether a character around a word is none that a person sees.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c == '\0' || matches!(c, '\u{200b}'..='\u{200f}' | '\u{feff}')
}

/// Splits a string, with its quotation marks, from what follows it.
fn split_string(text: &str) -> Option<(&str, &str)> {
    let mut is_escaped = false;
    let end = text.strip_prefix('"')?.find(|c| {
        let ends = c == '"' && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        ends
    })?;
    Some(text.split_at(end + 2))
}

/// Splits a value from what follows it.
fn split_value(text: &str) -> Option<(&str, &str)> {
    match text.chars().next()? {
        '"' => split_string(text),
        '{' | '[' => split_nested(text),
        _ => {
            let (value, rest) = text.split_at(text.find([',', '}'])?);
            (!value.contains(['"', ':', '{', '[', ']'])).then(|| (value.trim_end(), rest))
        }
    }
}

/// Splits a list or an object from what follows it, by its brackets.
fn split_nested(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut rest) = (0_usize, text);
    loop {
        let next = rest.chars().next()?;
        if next == '"' {
            rest = split_string(rest)?.1;
            continue;
        }
        match next {
            '{' | '[' => depth += 1,
            '}' | ']' => depth -= 1,
            _ => {}
        }
        rest = &rest[next.len_utf8()..];
        if depth == 0 {
            return Some(text.split_at(text.len() - rest.len()));
        }
    }
}

fn unquote_string(string: &str) -> Option<String> {
    serde_json::from_str(string).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(body: &[u8]) -> Option<Vec<(String, String)>> {
        let text = read_text(body);
        let members = Members::parse(&text)?;
        Some(members.0.into_iter().map(|(name, value)| (name, value.to_owned())).collect())
    }

    #[test]
    fn members_of_odd_objects_are_delimited() {
        let pairs = |pairs: &[(&str, &str)]| {
            Some(
                pairs
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                    .collect::<Vec<_>>(),
            )
        };
        for (body, expected) in [
            (&b"\xEF\xBB\xBF{\"a\":00}\0\n"[..], pairs(&[("a", "00")])),
            (b"{\"a\":1,}", pairs(&[("a", "1")])),
            (b"{\"a\":,\"b\":x y}", pairs(&[("a", ""), ("b", "x y")])),
            (
                b"{\"a\":\"x\\\"}\",\"b\":{\"c\":[\"]\"]}}",
                pairs(&[("a", "\"x\\\"}\""), ("b", "{\"c\":[\"]\"]}")]),
            ),
            (b"{\"a\":\"line\nbreak\"}", pairs(&[("a", "\"line break\"")])),
            (b" { } ", pairs(&[])),
            (b"{\"a\":1", None),
            (b"{\"a\":\"1}", None),
            (b"{\"a\":[1}", None),
            (b"{\"a\":1}{\"a\":2}", None),
            (b"{\"a\":1} x", None),
            (b"[\"a\",1]", None),
            (b"{\"a\":\"say \"b\":1\"}", None),
            (b"", None),
            (b"null", None),
        ] {
            assert_eq!(members(body), expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn word_is_text_or_number() {
        for (value, word) in [
            ("\" APPROVED\\u0000\"", Some("APPROVED")),
            ("APPROVED", Some("APPROVED")),
            ("007", Some("007")),
            ("\"\"", None),
            ("", None),
            ("null", None),
            ("\"null\"", Some("null")),
            ("{}", None),
            ("[\"x\"]", None),
            ("\"bad \\q\"", None),
        ] {
            assert_eq!(read_word(value).as_deref(), word, "{value}");
        }
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6)
                    .prop_map(|map| Value::Object(map.into_iter().collect()))
            ]
        })
    }

    proptest! {
        #[test]
        fn well_formed_objects_are_read_as_by_serde(
            object in prop::collection::btree_map("[a-z\"\\\\{}:,é]{0,8}", json(), 0..6),
        ) {
            let body = serde_json::to_vec(&object).expect("is JSON");
            let found = members(&body).expect("is an object");
            prop_assert_eq!(found.len(), object.len());
            for ((found, value), (name, expected)) in found.iter().zip(&object) {
                prop_assert_eq!(found, name);
                prop_assert_eq!(&serde_json::from_str::<Value>(value).expect("is JSON"), expected);
            }
            for end in 0..body.len() {
                prop_assert!(members(&body[..end]).is_none(), "an incomplete object is none");
            }
        }

        #[test]
        fn no_bytes_do_harm(body in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = members(&body);
        }
    }
}
