//! What the other party of a job's attempt has answered last: for the person who mends what has failed.
//!
//! It belongs to the task that attempts, as its trace does, and decides nothing. Its text is shown at a
//! desk, so it has no number and nothing that could be a secret: what is doubtful is left out.

use bytes::Bytes;
use http::Response;
use serde_json::Value;
use std::cell::RefCell;
use std::fmt;
use std::mem;

tokio::task_local! {
    static CURRENT: RefCell<Option<LastAnswer>>;
}

/// Most characters of a text that are kept: two lines on a page.
const TEXT_CHARS_MAX: usize = 160;
/// Most bytes of an answer that are read for it.
const READ_BYTES_MAX: usize = 4_096;
/// A run of so many digits may be a number, or a part of one.
const NUMBER_DIGITS_MIN: usize = 5;
/// A word as long as this may be a token or a key.
const SECRET_CHARS_MIN: usize = 20;
/// A word with letters and digits, so many of them, may be a number in base64 or the code of a coupon.
const ENCODED_CHARS_MIN: usize = 10;
/// Stands for what is left out.
const LEFT_OUT: &str = "…";

onbill_domain::word_enum! {
    /// What kind of answer it was.
    pub enum AnswerKind {
        /// None: the party was not reached, or was silent for too long.
        None = "no-answer",
        /// A response of HTTP. The code is its status.
        Http = "http",
        /// A gateway for SMS. The code is what it made of the SMS.
        SmsGateway = "sms-gateway",
    }
}

/// An answer, as far as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastAnswer {
    pub kind: AnswerKind,
    pub code: Option<String>,
    pub text: Option<String>,
}

impl LastAnswer {
    /// No answer at all.
    pub const fn none() -> Self {
        Self { kind: AnswerKind::None, code: None, text: None }
    }

    pub(crate) fn of_http(response: &Response<Bytes>) -> Self {
        let code = Some(response.status().as_u16().to_string());
        Self { kind: AnswerKind::Http, code, text: read_text(response.body()) }
    }

    pub(crate) fn of_gateway(code: &str) -> Self {
        Self { kind: AnswerKind::SmsGateway, code: Some(code.to_owned()), text: None }
    }

    /// Remembers this answer for the attempt under way, if one is.
    pub(crate) fn note(self) {
        let _ = CURRENT.try_with(|current| *current.borrow_mut() = Some(self));
    }

    /// Forgets what was noted in the attempt under way: the party that was called has done its part, so that a
    /// failure after it is our own.
    pub(crate) fn forget() {
        let _ = CURRENT.try_with(|current| *current.borrow_mut() = None);
    }

    /// What was noted last in the attempt under way.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Runs an attempt, which begins without an answer.
    pub(crate) async fn scope<F: Future>(attempt: F) -> F::Output {
        CURRENT.scope(RefCell::new(None), attempt).await
    }
}

/// In one line, for the command line.
impl fmt::Display for LastAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.as_str())?;
        [&self.code, &self.text].into_iter().flatten().try_for_each(|part| write!(f, " {part}"))
    }
}

/// The words of an answer: code and message of a JSON object, else what is no page of HTML.
fn read_text(body: &[u8]) -> Option<String> {
    let body = body.get(..READ_BYTES_MAX).unwrap_or(body);
    let text = String::from_utf8_lossy(body);
    let words = match serde_json::from_str::<Value>(&text) {
        Ok(Value::Object(members)) => {
            let named = ["code", "rawCode", "status", "error", "title", "message", "detail"];
            let words: Vec<&str> = named.iter().filter_map(|name| members.get(*name)?.as_str()).collect();
            words.join(": ")
        }
        Ok(_) => return None,
        Err(_) if text.trim_start().starts_with(['<', '{', '[']) => return None,
        Err(_) => text.into_owned(),
    };
    let printable = words.replace(|char: char| char.is_control(), " ");
    let shown = leave_out_secrets(&leave_out_numbers(&printable));
    let shown: String = shown.chars().take(TEXT_CHARS_MAX).collect();
    let shown = shown.trim();
    (!shown.is_empty()).then(|| shown.to_owned())
}

/// Leaves out each run of digits that may be a telephone number, whatever but letters is between them.
/// The text has no control characters.
fn leave_out_numbers(text: &str) -> String {
    let mut shown = String::new();
    let mut run = String::new();
    for char in text.chars().chain(['\0']) {
        let joins = char.is_numeric() || (!run.is_empty() && char != '\0' && !char.is_alphabetic());
        if joins {
            run.push(char);
            continue;
        }
        if run.chars().filter(|char| char.is_numeric()).count() >= NUMBER_DIGITS_MIN {
            shown.push_str(LEFT_OUT);
            // What follows the last digit is no part of it.
            if run.ends_with(' ') {
                shown.push(' ');
            }
        } else {
            shown.push_str(&run);
        }
        run.clear();
        if char != '\0' {
            shown.push(char);
        }
    }
    shown
}

/// Leaves out words that may be an address or a secret, and the values of what is written as `name=value`,
/// `name= value` or `password: value`.
fn leave_out_secrets(text: &str) -> String {
    let mut is_value = false;
    let words = text.split_whitespace().map(|word| {
        let was_value = mem::replace(&mut is_value, names_value(word));
        let (name, has_value) = word.split_once('=').map_or((word, false), |(name, _)| (name, true));
        let shown = if was_value || may_be_secret(name) { LEFT_OUT } else { name };
        if has_value { format!("{shown}={LEFT_OUT}") } else { shown.to_owned() }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether the next word is the value of this one.
fn names_value(word: &str) -> bool {
    let word = word.to_lowercase();
    let is_secret = ["password:", "secret:", "authorization:"].iter().any(|name| word.ends_with(*name));
    word.ends_with('=') || word == "bearer" || is_secret
}

fn may_be_secret(word: &str) -> bool {
    // Codes such as `account-not-found` are words with hyphens.
    let is_code = word.split(['-', '_', '.', ':']).all(|part| part.len() < SECRET_CHARS_MIN)
        && !word.chars().any(|char| char.is_ascii_digit());
    let count = |is_counted: fn(char) -> bool| word.chars().filter(|char| is_counted(*char)).count();
    let (letters, digits) = (count(char::is_alphabetic), count(char::is_numeric));
    let is_encoded = letters > 0 && digits > 0 && letters + digits >= ENCODED_CHARS_MIN;
    word.contains('@') || is_encoded || (word.chars().count() >= SECRET_CHARS_MIN && !is_code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        read_text(text.as_bytes())
    }

    #[test]
    fn words_of_an_answer_are_kept() {
        for (body, text) in [
            (
                r#"{"code":"billing-closed","message":"The month is being closed."}"#,
                "billing-closed: The month is being closed.",
            ),
            (r#"{"status":"PERHAPS","rawCode":"4012"}"#, "4012: PERHAPS"),
            ("no such tariff\r\n", "no such tariff"),
            ("upstream 10.1 timed out after 30 s", "upstream 10.1 timed out after 30 s"),
        ] {
            assert_eq!(read(body).as_deref(), Some(text), "{body}");
        }
        for body in ["", "  ", "<html>502 Bad Gateway", "[1]", "{\"cut\": ", "7", "\"x\""] {
            assert_eq!(read(body), None, "{body}");
        }
        assert_eq!(read(&"x y ".repeat(99)).map(|text| text.len()), Some(TEXT_CHARS_MAX - 1));
    }

    #[test]
    fn numbers_and_secrets_are_left_out() {
        for body in [
            "no credit: +12025550101",
            "no credit: (202) 555-0101 today",
            "no credit: 202 555 01 01",
            "no credit: 20-25-55-01-01",
            "no credit: 202\u{a0}555\u{2011}01\u{a0}01",
            "no credit: 202\n555\t01\n01",
            "no credit: 20,25:55,01;01",
            "no credit: KzEyMDI1NTUwMTAx",
            "no credit: MjAyNTU1MDEwMQ==",
            "no credit: code X7KQ-2HMN-4PRT",
            "no credit: token= hunter2",
            "no credit: password: hunter2",
            "no credit: Authorization: Bearer hunter2",
            "no credit: ٢٠٢٥٥٥٠١٠١",
            "no credit: token=hunter2",
            "no credit: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln",
            "no credit: ana@example.com",
        ] {
            let text = read(body).expect("has words");
            assert!(text.starts_with("no credit: ") && text.contains(LEFT_OUT), "{text}");
            for part in ["202", "555", "01 01", "hunter", "eyJ", "ana", "٢٠", "KzEy", "MjAy", "X7KQ"] {
                assert!(!text.contains(part), "{text}");
            }
        }
        assert_eq!(read("no 2025550101 here").as_deref(), Some("no … here"));
        // The cut comes after the numbers are gone.
        let long = format!("{}2025550101", "word ".repeat(31));
        assert!(!read(&long).expect("has words").contains('2'));
    }

    #[tokio::test]
    async fn answer_belongs_to_one_attempt() {
        LastAnswer::none().note();
        assert_eq!(LastAnswer::current(), None, "outside of an attempt");
        let seen = LastAnswer::scope(async {
            LastAnswer::none().note();
            LastAnswer::of_gateway("refused").note();
            LastAnswer::current()
        });
        assert_eq!(seen.await, Some(LastAnswer::of_gateway("refused")));
        let forgotten = LastAnswer::scope(async {
            LastAnswer::none().note();
            LastAnswer::forget();
            LastAnswer::current()
        });
        assert_eq!(forgotten.await, None);
        assert_eq!(LastAnswer::scope(async { LastAnswer::current() }).await, None);
    }
}
