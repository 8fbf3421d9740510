//! The languages of the widget and of text messages.

use serde::{Deserialize, Serialize};

/// A language we have words in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Locale {
    /// English, also the answer to any language we do not have.
    #[default]
    En,
    /// Spanish.
    Es,
    /// French.
    Fr,
    /// German.
    De,
    /// Arabic, written from right to left.
    Ar,
}

impl Locale {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::En, Self::Es, Self::Fr, Self::De, Self::Ar];

    /// The language tag (BCP 47).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Es => "es",
            Self::Fr => "fr",
            Self::De => "de",
            Self::Ar => "ar",
        }
    }

    /// Matches a tag such as `fr-CA` by its language.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|locale| locale.as_str().eq_ignore_ascii_case(language))
    }

    /// The first language of an `Accept-Language` header that we have. Weights are not weighed: browsers write the
    /// list in the order of preference.
    pub fn from_accept_language(header: &str) -> Option<Self> {
        header.split(',').take(10).find_map(|part| Self::from_tag(part.split(';').next()?))
    }

    /// `rtl` or `ltr`.
    pub fn direction(self) -> &'static str {
        if self == Self::Ar { "rtl" } else { "ltr" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_by_language() {
        assert_eq!(Locale::from_tag("ar-EG"), Some(Locale::Ar));
        assert_eq!(Locale::from_tag("DE"), Some(Locale::De));
        assert_eq!(Locale::from_tag("pt"), None);
        assert_eq!(Locale::from_accept_language("pt-BR, es;q=0.8, en;q=0.5"), Some(Locale::Es));
        assert_eq!(Locale::from_accept_language(""), None);
    }
}
