//! A response as a kit sees it, and how it is quoted in a report. A quotation has no number in it:
//! reports are sent around.

use super::limits::QUOTED_CHARS_MAX;
use bytes::Bytes;
use onbill_domain::day::Day;
use onbill_domain::wire::csp_answer::read_members;
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;

/// Digits in a row that may be a phone number. Amounts and statuses are shorter.
const NUMBER_DIGITS_MIN: usize = 7;

/// A response.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: String,
    /// Where a redirect leads.
    pub(super) location: Option<String>,
    pub(super) body: Bytes,
}

/// Why there is no response.
#[derive(Clone, Debug)]
pub(super) enum NoAnswer {
    /// None came in this time.
    Late(Duration),
    /// The connection failed, or ended before the response did.
    Broken(String),
    /// It is larger than a kit reads.
    TooLarge,
    /// The kit could not make the call.
    NotSent(String),
}

/// What became of a call.
pub(super) type Seen = Result<Answer, NoAnswer>;

impl Answer {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn is_redirect(&self) -> bool {
        (300..400).contains(&self.status)
    }

    /// Whether it refuses the request as the caller's mistake.
    pub(super) fn is_refusal(&self) -> bool {
        (400..500).contains(&self.status)
    }

    /// The members of the body, as leniently as onbill reads an operator's.
    pub(super) fn members(&self) -> Option<Map<String, Value>> {
        read_members(&self.body)
    }

    /// Whether a success has an error in its body.
    pub(super) fn has_error_in_success(&self) -> bool {
        let Some(members) = self.members().filter(|_| self.is_success()) else { return false };
        let is_set = |name: &str| {
            members.get(name).is_some_and(|value| match value {
                Value::Null | Value::Bool(false) => false,
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(_) | Value::Number(_) | Value::Bool(true) => true,
            })
        };
        let is_text = |name: &str| members.get(name).is_some_and(Value::is_string);
        is_set("error") || is_set("errors") || is_set("fault") || (is_text("code") && is_text("message"))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.status)?;
        if !self.content_type.is_empty() {
            write!(f, " {}", quote(&self.content_type))?;
        }
        if let Some(location) = &self.location {
            write!(f, " to {}", quote(location))?;
        }
        if self.body.is_empty() {
            return f.write_str(" without a body");
        }
        write!(f, " {}", quote(&String::from_utf8_lossy(&self.body)))
    }
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Late(waited) => write!(f, "no response within {:.1} s", waited.as_secs_f32()),
            Self::Broken(why) => write!(f, "no whole response: {why}"),
            Self::TooLarge => f.write_str("a response that is much larger than 16 KiB"),
            Self::NotSent(why) => write!(f, "the call could not be made: {why}"),
        }
    }
}

/// What was seen, in a report.
pub(super) fn describe(seen: &Seen) -> String {
    match seen {
        Ok(answer) => answer.to_string(),
        Err(none) => none.to_string(),
    }
}

/// The beginning of a text on one line, without control characters and without numbers.
pub(super) fn quote(text: &str) -> String {
    let mut quoted = String::new();
    let mut run = String::new();
    for c in text.trim().chars() {
        let continues = c.is_numeric() || (!run.is_empty() && is_separator(c));
        if continues {
            run.push(c);
            continue;
        }
        push_run(&mut quoted, &mut run);
        if quoted.chars().count() > QUOTED_CHARS_MAX {
            break;
        }
        quoted.push(if c.is_control() { ' ' } else { c });
    }
    push_run(&mut quoted, &mut run);
    match quoted.char_indices().nth(QUOTED_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &quoted[..end]),
        None => quoted,
    }
}

/// What people write between the digits of a number.
fn is_separator(c: char) -> bool {
    matches!(c, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}')
}

/// Appends digits with what is between them, or stars if they may be a number. A day is none.
fn push_run(quoted: &mut String, run: &mut String) {
    let digits = run.trim_end_matches(is_separator);
    let is_number = digits.chars().filter(|c| c.is_numeric()).count() >= NUMBER_DIGITS_MIN;
    let is_shown = !is_number || Day::parse(digits).is_some();
    quoted.push_str(if is_shown { digits } else { "***" });
    quoted.push_str(&run[digits.len()..]);
    run.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_has_no_number() {
        for (text, quoted) in [
            ("{\"msisdn\":\"+12025550101\",\n\"value\":1599}", "{\"msisdn\":\"+***\", \"value\":1599}"),
            ("no account for +1 (202) 555-0101.", "no account for +***."),
            ("call 202.555.0101 or 1 202-555-0102, please", "call *** or ***, please"),
            ("\"billedOn\":\"2026-12-14\",\"code\":\"51\"", "\"billedOn\":\"2026-12-14\",\"code\":\"51\""),
            ("٠١٢٣٤٥٦٧", "***"),
        ] {
            assert_eq!(quote(text), quoted);
        }
        assert!(quote(&"x".repeat(1000)).chars().count() <= QUOTED_CHARS_MAX + 1);
    }

    #[test]
    fn error_in_success_is_seen() {
        let answer = |status, body: &'static str| Answer {
            status,
            content_type: "application/json".to_owned(),
            location: None,
            body: Bytes::from_static(body.as_bytes()),
        };
        for body in [
            r#"{"error":"no"}"#,
            r#"{"code":"x","message":"No."}"#,
            r#"{"errors":[1]}"#,
            "\u{feff}{\"error\":\"no\",}",
        ] {
            assert!(answer(200, body).has_error_in_success(), "{body}");
            assert!(!answer(400, body).has_error_in_success(), "{body}");
        }
        for body in
            [r#"{"error":null}"#, r#"{"status":"DECLINED","rawCode":"51"}"#, "", "[]", r#"{"errors":[]}"#]
        {
            assert!(!answer(200, body).has_error_in_success(), "{body}");
        }
    }
}
