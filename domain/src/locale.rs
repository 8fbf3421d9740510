//! The languages of the widget and of SMS.

crate::wire_enum! {
    /// A language that onbill has words in. The word is its BCP 47 language subtag.
    #[derive(Default)]
    pub enum Locale {
        /// English, also used for every language that onbill does not have.
        #[default]
        En = "en",
        /// Spanish.
        Es = "es",
        /// French.
        Fr = "fr",
        /// German.
        De = "de",
        /// Arabic, written from right to left.
        Ar = "ar",
    }
}

/// Expands `$macro!("<word>", $arguments)` for the language of a [`Locale`].
#[macro_export]
macro_rules! by_locale {
    ($locale:expr, $macro:ident, $($arguments:tt)*) => {
        match $locale {
            $crate::locale::Locale::En => $crate::$macro!("en", $($arguments)*),
            $crate::locale::Locale::Es => $crate::$macro!("es", $($arguments)*),
            $crate::locale::Locale::Fr => $crate::$macro!("fr", $($arguments)*),
            $crate::locale::Locale::De => $crate::$macro!("de", $($arguments)*),
            $crate::locale::Locale::Ar => $crate::$macro!("ar", $($arguments)*),
        }
    };
}

impl Locale {
    /// The locale of a language tag such as `fr-CA`, by its language and without regard to case.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let language = tag.trim().split(['-', '_']).next()?;
        Self::ALL.into_iter().find(|locale| locale.as_str().eq_ignore_ascii_case(language))
    }

    /// The first language of an `Accept-Language` header that onbill has. Quality values are
    /// ignored, because browsers list languages in the order of preference.
    pub fn from_accept_language(header: &str) -> Option<Self> {
        header.split(',').take(10).find_map(|part| Self::from_tag(part.split(';').next()?))
    }

    /// The language's name in English, for the documentation of the API.
    pub const fn english_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Es => "Spanish",
            Self::Fr => "French",
            Self::De => "German",
            Self::Ar => "Arabic",
        }
    }

    /// The language's own name, as the people who speak it write it.
    pub const fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::Es => "Español",
            Self::Fr => "Français",
            Self::De => "Deutsch",
            Self::Ar => "العربية",
        }
    }

    /// The HTML `dir` of the language: `rtl` or `ltr`.
    pub fn direction(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            Self::En | Self::Es | Self::Fr | Self::De => "ltr",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locale_is_matched_by_language() {
        assert_eq!(Locale::from_tag("ar-EG"), Some(Locale::Ar));
        assert_eq!(Locale::from_tag("DE"), Some(Locale::De));
        assert_eq!(Locale::from_tag("tlh"), None);
        assert_eq!(Locale::from_accept_language("tlh, es;q=0.8, en;q=0.5"), Some(Locale::Es));
        assert_eq!(Locale::from_accept_language(""), None);
    }
}
