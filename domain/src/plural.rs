//! Which form of a word a count takes in each language, by the categories of CLDR's plural rules.
//!
//! Not here: the counts in the widget. The browser has these rules itself (`Intl.NumberFormat`).

use crate::locale::Locale;

crate::word_enum! {
    /// A category of CLDR's plural rules. What it means differs from language to language.
    pub enum PluralForm {
        /// 1 in most languages.
        One = "one",
        /// 2 in Arabic.
        Two = "two",
        /// 3 to 10 in Arabic.
        Few = "few",
        /// 11 to 99 in Arabic.
        Many = "many",
        /// Every other count.
        Other = "other",
    }
}

impl PluralForm {
    /// The form for a count of at least 1. Above 100, Arabic goes by the last two digits.
    pub fn of(count: u8, locale: Locale) -> Self {
        match (locale, count) {
            (_, 1) => Self::One,
            (Locale::En | Locale::Es | Locale::Fr | Locale::De, _) => Self::Other,
            (Locale::Ar, 2) => Self::Two,
            (Locale::Ar, _) => match count % 100 {
                3..=10 => Self::Few,
                11..=99 => Self::Many,
                _ => Self::Other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_those_of_cldr() {
        for (count, form) in [
            (1, "one"),
            (2, "two"),
            (3, "few"),
            (10, "few"),
            (11, "many"),
            (99, "many"),
            (100, "other"),
            (102, "other"),
            (103, "few"),
            (111, "many"),
        ] {
            assert_eq!(PluralForm::of(count, Locale::Ar).as_str(), form, "{count}");
        }
        for locale in Locale::ALL.into_iter().filter(|locale| *locale != Locale::Ar) {
            let forms = [1, 2, 12].map(|count| PluralForm::of(count, locale).as_str());
            assert_eq!(forms, ["one", "other", "other"], "{locale:?}");
        }
    }
}
