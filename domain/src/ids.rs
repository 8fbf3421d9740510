//! Names and identifiers: ours are slugs and UUIDs, the other parties' are bounded text compared byte for byte.

use crate::limits::EXT_ID_CHARS_MAX;
use serde::{Deserialize, Deserializer, Serialize, de};
use std::fmt;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $rule:path, $complaint:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes well-formed text.
            pub fn parse(text: &str) -> Option<Self> {
                $rule(text).then(|| Self(text.to_owned()))
            }

            /// The text.
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
                Self::parse(&text).ok_or_else(|| de::Error::custom($complaint))
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
    /// What an operator sells, such as `netflix-standard`.
    OfferId,
    is_slug,
    "not an offer name"
);
text_id!(
    /// An identifier that another party gave: printable ASCII without spaces, at most 128 characters, compared
    /// byte for byte. ASCII only, so that no two Unicode forms of one text can be taken for two charges.
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

/// Not `.` or `..`: an identifier stands in paths, and those two are taken for steps in them.
fn is_ext_id(text: &str) -> bool {
    ![".", ".."].contains(&text)
        && (1..=EXT_ID_CHARS_MAX).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_graphic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_and_foreign_identifiers_are_bounded() {
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
