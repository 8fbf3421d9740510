//! The complaints of the TOML reader and of serde, in words for the person who writes the file.

use crate::config::setting_path::SettingPath;
use onbill_domain::similar_word::find_similar;

/// What a message of serde's is about.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Subject<'m> {
    /// There is no such setting in this section.
    UnknownField(&'m str),
    /// This setting is missing in this section.
    MissingField(&'m str),
    /// A value.
    Value,
}

/// Reads what a message is about.
pub(super) fn subject_of(message: &str) -> Subject<'_> {
    let quoted = |start: &str| message.strip_prefix(start)?.strip_prefix('`')?.split('`').next();
    match (quoted("unknown field "), quoted("missing field ")) {
        (Some(field), _) => Subject::UnknownField(field),
        (_, Some(field)) => Subject::MissingField(field),
        _ => Subject::Value,
    }
}

/// The words that a message of serde's says were expected.
pub(super) fn expected_words(message: &str) -> Vec<&str> {
    let expected = message.split_once("expected ").map_or("", |(_, expected)| expected);
    expected.split('`').skip(1).step_by(2).collect()
}

/// A setting that is not known, with the one that was probably meant.
pub(super) fn describe_unknown(
    section: &SettingPath,
    field: &str,
    meant: Option<&str>,
    known: &[&str],
    of_the_root: &[&str],
) -> String {
    let place = if section.is_root() { String::new() } else { format!(" in {section}") };
    let start = format!("there is no setting {field}{place}");
    if let Some(meant) = meant {
        return format!("{start}: did you mean {meant}?");
    }
    if !section.is_root() && of_the_root.contains(&field) {
        return format!("{start}: it belongs to the whole origin, so write it above the first section");
    }
    match known {
        [] => start,
        known => format!("{start}: there are {}", known.join(", ")),
    }
}

/// A setting that has to be there.
pub(super) fn describe_missing(at: &SettingPath) -> String {
    format!("{at} is missing")
}

/// A value of the wrong type, or one that its type refuses.
pub(super) fn describe_value(at: &SettingPath, message: &str) -> String {
    let plain = put_plainly(message);
    let path = at.to_string();
    let begins_with = |name: &str| plain.starts_with(name);
    let names_it = begins_with(&path) || at.last_key().is_some_and(begins_with);
    if at.is_root() || (names_it && !message.starts_with("invalid ")) {
        plain
    } else {
        format!("{path}: {plain}")
    }
}

/// Replaces the names of Rust's types, and says which word was probably meant.
fn put_plainly(message: &str) -> String {
    let (start, expected) = message.split_once(", expected ").unwrap_or((message, ""));
    let plain = match expected {
        "" => return message.to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, not below 0",
        "i64" => "a whole number",
        "a boolean" => "true or false",
        "a sequence" => "a list, as in [\"one\", \"two\"]",
        "a map" => "a section, or { name = value }",
        named if named.starts_with("struct ") => "a section, or { name = value }",
        other => other,
    };
    let wrong = start.strip_prefix("unknown variant `").and_then(|rest| rest.split('`').next());
    let meant = wrong.and_then(|wrong| find_similar(wrong, &expected_words(message)));
    match meant {
        Some(meant) => format!("{start}, expected {plain}: did you mean {meant}?"),
        None => format!("{start}, expected {plain}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expected_words_are_those_of_the_message() {
        for (message, words) in [
            ("unknown field `x`, there are no fields", &[][..]),
            ("unknown field `x`, expected `a`", &["a"]),
            ("unknown field `x`, expected `a` or `b`", &["a", "b"]),
            ("unknown variant `x`, expected one of `a`, `b`, `c`", &["a", "b", "c"]),
            ("invalid type: integer `5`, expected a string", &[]),
        ] {
            assert_eq!(expected_words(message), words);
        }
    }
}
