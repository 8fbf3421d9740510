//! Enums whose variants are words: a status, a reason, a code, a language. One declaration gives
//! the variants, their words and the list of all of them, so that no list can miss a new variant.
//!
//! What else is known of a variant (its HTTP status, whether it closes a PAI) is an exhaustive
//! `match` beside the enum, without a catch-all arm.

use serde::Deserializer;
use serde::de::{self, Visitor};
use std::fmt;

/// Declares an enum of words: `ALL`, `as_str` and `parse`.
///
/// ```
/// onbill_domain::word_enum! {
///     /// The state of a door.
///     pub enum DoorState {
///         /// People can walk through.
///         Open = "open",
///         /// People cannot walk through.
///         Closed = "closed",
///     }
/// }
/// assert_eq!(DoorState::parse("open"), Some(DoorState::Open));
/// assert_eq!(DoorState::ALL.map(DoorState::as_str), ["open", "closed"]);
/// ```
#[macro_export]
macro_rules! word_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
    }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// All variants, in the order of their declaration.
            $vis const ALL: [Self; [$($word),+].len()] = [$(Self::$variant),+];

            /// The variant's word.
            #[must_use]
            $vis const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }

            /// The variant with exactly this word.
            #[must_use]
            $vis fn parse(word: &str) -> Option<Self> {
                match word {
                    $($word => Some(Self::$variant),)+
                    _ => None,
                }
            }
        }
    };
}

/// Declares a [`word_enum!`](crate::word_enum) that is also written and read as its word by serde.
/// It is text only: serde's own reading of an enum would take `{"word": null}` as well.
#[macro_export]
macro_rules! wire_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident {
        $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+
    }) => {
        $crate::word_enum! {
            $(#[$meta])*
            #[derive(::serde::Serialize)]
            $vis enum $name {
                $($(#[$variant_meta])* #[serde(rename = $word)] $variant = $word,)+
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::word_enum::read_word(deserializer, Self::parse, &[$($word),+])
            }
        }
    };
}

/// Reads one of `words`.
#[doc(hidden)]
pub fn read_word<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Option<T>,
    words: &'static [&'static str],
) -> Result<T, D::Error> {
    struct Word<T>(fn(&str) -> Option<T>, &'static [&'static str]);

    impl<T> Visitor<'_> for Word<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a word")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).ok_or_else(|| E::unknown_variant(text, self.1))
        }
    }

    deserializer.deserialize_str(Word(parse, words))
}

#[cfg(test)]
mod tests {
    crate::wire_enum! {
        /// A word of two.
        enum Choice {
            /// The first.
            Yes = "YES",
            /// The second.
            NotYet = "not-yet",
        }
    }

    #[test]
    fn word_is_the_same_in_text_and_json() {
        assert_eq!(Choice::ALL, [Choice::Yes, Choice::NotYet]);
        for choice in Choice::ALL {
            assert_eq!(Choice::parse(choice.as_str()), Some(choice));
            assert_eq!(serde_json::to_value(choice).expect("is JSON"), choice.as_str());
            let read: Choice = serde_json::from_value(choice.as_str().into()).expect("is a word");
            assert_eq!(read, choice);
        }
        assert_eq!(Choice::parse("yes"), None);
        assert!(serde_json::from_str::<Choice>("\"NotYet\"").is_err());
    }
}
