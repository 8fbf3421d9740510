//! Charge codes: the operator's own codes, by which its billing books a line.

use crate::limits::CHARGE_CODE_CHARS_MAX;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

/// The code by which the operator's billing knows what a line is for: its revenue account, its tax
/// treatment. The operator chooses it; nothing follows from it here.
///
/// It is 1 to 64 letters and digits (ASCII), `.`, `_`, `-`, `/`, `:` and `#`, and begins with a letter
/// or a digit, so that no file, sheet or terminal takes it for a separator, a formula or an option.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ChargeCode(String);

impl ChargeCode {
    /// Parses a well-formed code.
    pub fn parse(text: &str) -> Option<Self> {
        let is_code = (1..=CHARGE_CODE_CHARS_MAX).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-/:#".contains(&b));
        is_code.then(|| Self(text.to_owned()))
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ChargeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for ChargeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for ChargeCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            let begin: String = text.chars().take(CHARGE_CODE_CHARS_MAX).collect();
            de::Error::custom(format!(
                "{begin:?} is no charge code: it must be 1 to {CHARGE_CODE_CHARS_MAX} letters, digits and \
                 . _ - / : # without blanks or commas, and begin with a letter or a digit"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charge_code_is_short_and_without_separators() {
        for good in ["4711", "OTT-NFLX-STD", "gl:4000/12#a_b.c", &"x".repeat(64)] {
            assert_eq!(ChargeCode::parse(good).map(|code| code.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "a,b",
            "a;b",
            "a\nb",
            "a b",
            "a\tb",
            "a\"b",
            "=1+1",
            "-A1",
            "#N/A",
            "caf\u{e9}",
            "a\u{200b}",
            &"x".repeat(65),
            &"x".repeat(200),
        ] {
            assert_eq!(ChargeCode::parse(bad), None, "{bad:?}");
        }
    }
}
