//! The Personal Account Identifier (PAI): the only identifier by which a partner knows a
//! subscriber.
//!
//! Not here: whether a PAI that was brought in has its line's number in it
//! ([`crate::number_in_pai`]).

use crate::limits::PAI_CHARS_MAX;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use uuid::{Builder, Uuid, Variant};

/// Opaque text, one per partner and subscriber, compared byte for byte and never reused. Those that
/// onbill issues are random UUIDs (RFC 9562, version 4), never derived from the number. Those that
/// another system issued before are of any form: 1 to [`PAI_CHARS_MAX`] of `A-Z a-z 0-9 . _ ~ -`,
/// the characters that need no escape in a URL (RFC 3986 §2.3).
///
/// It is kept in place and not on the heap, so that it is copied as freely as a number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pai {
    /// Zeros follow the text. No text has one, so the order is that of the texts.
    padded: [u8; PAI_CHARS_MAX],
    length: u8,
}

/// Characters of a hyphenated UUID.
const UUID_CHARS: u8 = 36;

impl Pai {
    /// Makes a PAI of 16 fresh random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        let mut padded = [0; PAI_CHARS_MAX];
        Builder::from_random_bytes(bytes).into_uuid().as_hyphenated().encode_lower(&mut padded);
        Self { padded, length: UUID_CHARS }
    }

    /// Parses a well-formed PAI. `.` and `..` are refused: in a path they are steps.
    pub fn parse(text: &str) -> Option<Self> {
        let length = u8::try_from(text.len()).ok()?;
        let is_taken = |b: u8| b.is_ascii_alphanumeric() || b"._~-".contains(&b);
        if ["", ".", ".."].contains(&text) || !text.bytes().all(is_taken) {
            return None;
        }
        let mut padded = [0; PAI_CHARS_MAX];
        padded.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { padded, length })
    }

    /// The PAI as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.padded[..usize::from(self.length)]).unwrap_or_default()
    }

    /// The bytes of the UUID, if the PAI has the one spelling of those that onbill issues: lower
    /// case, hyphenated, version 4.
    pub fn random_bytes(&self) -> Option<[u8; 16]> {
        let uuid = Uuid::try_parse(self.as_str()).ok()?;
        let is_random = uuid.get_version_num() == 4 && uuid.get_variant() == Variant::RFC4122;
        let bytes = is_random.then(|| uuid.into_bytes())?;
        (Self::from_random(bytes) == *self).then_some(bytes)
    }

    /// The PAI for a line of the log. One that another system issued may have a number in it, which
    /// cannot be seen without knowing the number: of those only the end is shown.
    pub fn masked(&self) -> MaskedPai<'_> {
        MaskedPai(self)
    }
}

/// Characters at the end of a masked PAI that are shown, as of the number of a card: enough to
/// distinguish some PAIs, and of a number no more than a receipt shows.
const SHOWN_CHARS: usize = 4;

/// Shorter PAIs are not shown at all: four characters would be most of them.
const SHOWN_FROM_CHARS: usize = 12;

/// A PAI as the log shows it.
pub struct MaskedPai<'a>(&'a Pai);

impl fmt::Display for MaskedPai<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_str();
        if self.0.random_bytes().is_some() {
            return f.write_str(text);
        }
        let shown = if text.len() < SHOWN_FROM_CHARS { "" } else { &text[text.len() - SHOWN_CHARS..] };
        write!(f, "***{shown}")
    }
}

impl fmt::Display for Pai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Pai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.masked(), f)
    }
}

impl Serialize for Pai {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Pai {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("not a PAI"))
    }
}

crate::wire_enum! {
    /// What a PAI may be used for.
    pub enum PaiState {
        /// Charges are accepted.
        Active = "ACTIVE",
        /// The account is suspended: charges are declined until it is resumed.
        Suspended = "SUSPENDED",
        /// The PAI is closed permanently and never opens again.
        Closed = "CLOSED",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pai(text: &str) -> Pai {
        Pai::parse(text).expect("is a PAI")
    }

    #[test]
    fn pai_of_another_system_is_taken_as_it_is() {
        let longest = "x".repeat(PAI_CHARS_MAX);
        for text in ["4567890123456789", "ENT1664367665579", "pci123", "a", "-._~", "...", &longest] {
            assert_eq!(pai(text).as_str(), text);
            assert_eq!(pai(text).to_string(), text);
            assert_eq!(pai(text).random_bytes(), None, "{text}");
            let json = serde_json::to_string(&pai(text)).expect("serializes");
            assert_eq!(serde_json::from_str::<Pai>(&json).expect("parses"), pai(text));
        }
        assert_ne!(pai("PCI123"), pai("pci123"));
        assert_ne!(pai("0123"), pai("123"));
        let too_long = "x".repeat(PAI_CHARS_MAX + 1);
        let far_too_long = "x".repeat(256 + 6);
        for bad in [
            "",
            ".",
            "..",
            " pci123",
            "pci 123",
            "pci/123",
            "+12025550101",
            "pci%31",
            "pcí",
            "a\0",
            &too_long,
            &far_too_long,
        ] {
            assert_eq!(Pai::parse(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn issued_pai_is_a_random_uuid_in_one_spelling() {
        let issued = Pai::from_random([7; 16]);
        assert_eq!(issued.as_str(), "07070707-0707-4707-8707-070707070707");
        assert_eq!(pai(issued.as_str()), issued);
        assert_eq!(issued.random_bytes().map(Pai::from_random), Some(issued));
        for other in [
            "07070707070747078707070707070707",
            "07070707-0707-1707-8707-070707070707",
            "07070707-0707-4707-c707-070707070707",
            "A7070707-0707-4707-8707-070707070707",
        ] {
            assert_eq!(pai(other).random_bytes(), None, "{other}");
        }
    }

    #[test]
    fn order_is_that_of_the_texts() {
        let mut texts = ["b", "a", "ab", "-", "A", "a-", "ENT2", "ENT10", "0", "a~"];
        let mut pais = texts.map(pai);
        texts.sort_unstable();
        pais.sort_unstable();
        assert_eq!(pais.map(|pai| pai.to_string()), texts);
    }

    #[test]
    fn log_shows_the_end_of_a_pai_that_onbill_did_not_issue() {
        let issued = Pai::from_random([7; 16]);
        assert_eq!(format!("{} {issued:?}", issued.masked()), format!("{issued} {issued}"));
        for (text, shown) in [
            ("pci123", "***"),
            ("12025550101", "***"),
            ("120255501012", "***1012"),
            ("ENT1664367665579", "***5579"),
        ] {
            assert_eq!(format!("{:?}", pai(text)), shown);
        }
    }
}
