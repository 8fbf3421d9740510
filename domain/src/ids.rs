//! Ids. Configured ids are slugs; ids of other parties are bounded text, compared byte for byte.

use crate::limits::EXT_ID_CHARS_MAX;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $rule:path, $error:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Parses a well-formed id.
            pub fn parse(text: &str) -> Option<Self> {
                $rule(text).then(|| Self(text.to_owned()))
            }

            /// The id as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).ok_or_else(|| de::Error::custom($error))
            }
        }
    };
}

text_id!(
    /// An operator (CSP), such as `acme`.
    OperatorId,
    is_slug,
    "not an operator name"
);
text_id!(
    /// A partner (OTT), such as `netflix`.
    PartnerId,
    is_slug,
    "not a partner name"
);
text_id!(
    /// An offer of an operator, such as `netflix-standard`.
    OfferId,
    is_slug,
    "not an offer name"
);
text_id!(
    /// A logo of the deployment's, such as `acme-2`. One that has changed has another id.
    LogoId,
    is_slug,
    "not a logo name"
);
text_id!(
    /// A font of the deployment's, such as `acme-1`. One that has changed has another id.
    FontId,
    is_slug,
    "not a font name"
);
text_id!(
    /// An external id, given by another party: 1 to 128 printable ASCII characters without spaces.
    /// It is ASCII only, so that two Unicode forms of one text cannot be two charges.
    ExtId,
    is_ext_id,
    "not an identifier: 1 to 128 printable ASCII characters without spaces"
);

/// Lower-case letters, digits and inner hyphens, at most 40 characters.
fn is_slug(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// `.` and `..` are refused, because ids are in URL paths, where those two are steps.
fn is_ext_id(text: &str) -> bool {
    ![".", ".."].contains(&text)
        && (1..=EXT_ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_external_ids_are_bounded() {
        assert!(OperatorId::parse("acme").is_some());
        assert!(OfferId::parse("netflix-standard").is_some());
        for bad in ["", "Acme", "a_b", "-a", "a-", "a b", "é", &"a".repeat(41)] {
            assert!(OperatorId::parse(bad).is_none(), "{bad}");
        }
        assert!(ExtId::parse("NFLX:2026/12.a-B_9").is_some());
        for bad in ["", ".", "..", "a b", "caf\u{e9}", "e\u{301}", "a\n", &"a".repeat(129)] {
            assert!(ExtId::parse(bad).is_none(), "{bad}");
        }
    }
}
