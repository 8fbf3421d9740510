//! The Personal Account Identifier (PAI): the only identifier by which a partner knows a
//! subscriber.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use uuid::{Builder, Uuid, Variant};

/// A random UUID (RFC 9562, version 4), one per partner and subscriber. It is never derived from
/// the number, and never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pai(Uuid);

impl Pai {
    /// Makes a PAI of 16 fresh random bytes.
    pub fn from_random(bytes: [u8; 16]) -> Self {
        Self(Builder::from_random_bytes(bytes).into_uuid())
    }

    /// The bytes of the UUID.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }

    /// Parses the one accepted spelling: lower case, hyphenated, version 4.
    pub fn parse(text: &str) -> Option<Self> {
        let uuid = Uuid::try_parse(text).ok()?;
        let canonical = uuid.get_version_num() == 4
            && uuid.get_variant() == Variant::RFC4122
            && uuid.as_hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
        canonical.then_some(Self(uuid))
    }
}

impl fmt::Display for Pai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for Pai {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Pai {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
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

    #[test]
    fn pai_has_one_spelling() {
        let pai = Pai::from_random([7; 16]);
        assert_eq!(Pai::parse(&pai.to_string()), Some(pai));
        for bad in [
            "07070707-0707-4707-8707-070707070707 ",
            "07070707070747078707070707070707",
            "07070707-0707-1707-8707-070707070707",
            "A7070707-0707-4707-8707-070707070707",
            "{07070707-0707-4707-8707-070707070707}",
            "urn:uuid:07070707-0707-4707-8707-070707070707",
        ] {
            assert_eq!(Pai::parse(bad), None, "{bad}");
        }
    }
}
