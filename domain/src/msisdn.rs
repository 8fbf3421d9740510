//! A subscriber's number (MSISDN). It can be compared and not printed: `expose()` is the only way
//! to read it.
//!
//! The origin normalises what a customer typed (national form, digits of other scripts) with a
//! phone-number library; this type is the result. On the wire a number is read however it is
//! punctuated, and in the digits of any script.

use crate::limits::MSISDN_INPUT_BYTES_MAX;
use crate::typed::plain_number;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use zeroize::Zeroizing;

/// An E.164 number with its `+`: 8 to 15 digits, the first not zero (ITU-T E.164 §6).
#[derive(Clone, PartialEq, Eq)]
pub struct Msisdn(Zeroizing<String>);

impl Msisdn {
    /// Parses exactly `+` and 8 to 15 ASCII digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let well_formed = (8..=15).contains(&digits.len())
            && digits.bytes().all(|b| b.is_ascii_digit())
            && !digits.starts_with('0');
        well_formed.then(|| Self(Zeroizing::new(text.to_owned())))
    }

    /// Parses an E.164 number with what typing, printing and copying add to it.
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > MSISDN_INPUT_BYTES_MAX {
            return None;
        }
        Self::parse(&plain_number(text)?)
    }

    /// The number itself. A caller may pass it to the operator's own systems or to a keyed
    /// function, and never to a log, a URL, a store's key or the partner.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("+***")
    }
}

impl fmt::Display for Msisdn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("+***")
    }
}

/// For the interfaces that have numbers: those with the operator, and the device API of the
/// partner.
impl Serialize for Msisdn {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.expose())
    }
}

impl<'de> Deserialize<'de> for Msisdn {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::read(&text).ok_or_else(|| de::Error::custom("not an E.164 number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn msisdn_is_e164_and_never_printed() {
        let number = Msisdn::parse("+12025550101").expect("is E.164");
        assert_eq!(number.expose(), "+12025550101");
        assert_eq!(format!("{number} {number:?}"), "+*** +***");
        for bad in [
            "12025550101",
            "+0123456789",
            "+1202555",
            "+1234567890123456",
            "+1 2025550101",
            "+١٢٠٢٥٥٥٠١٠١",
            "",
        ] {
            assert_eq!(Msisdn::parse(bad), None, "{bad}");
        }
        for typed in [
            "+1 (202) 555-0101",
            "\u{2068}+1\u{a0}202.555.0101\u{2069}",
            "＋１２０２５５５０１０１",
            "+١٢٠٢٥٥٥٠١٠١",
        ] {
            assert_eq!(Msisdn::read(typed), Some(number.clone()), "{typed}");
        }
        assert_eq!(Msisdn::read(&format!("+12025550101{}", " ".repeat(200))), None, "is too long");
        let error = serde_json::from_str::<Msisdn>("\"2025550101\"").expect_err("is not E.164");
        assert!(!error.to_string().contains("2025550101"));
    }
}
