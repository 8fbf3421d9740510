//! Compiles the words for people into the programs that show them. `words/` at the root has one
//! file for each language, with a section for each use: `widget`, `result`, `refusal`, `account`,
//! `agreement`, `loader`, `page` and `sms`; and `months`, which has a text for each plural form of the
//! language. A program carries the sections that it uses and no others.
//!
//! Not here: the use of the words. Each program parses its own sections.

/// The JSON of one section in the language of a [`Locale`](crate::locale::Locale). A section that
/// is missing from a file does not compile.
#[macro_export]
macro_rules! words_section {
    ($section:literal, $locale:expr) => {
        $crate::by_locale!($locale, words_section_of_file, $section)
    };
}

/// The JSON of one section of one language's file; use [`words_section`] instead.
#[doc(hidden)]
#[macro_export]
macro_rules! words_section_of_file {
    ($language:literal, $section:literal) => {{
        // The file is a constant that only constants read: the program gets the copy, not the file.
        const FILE: &[u8] =
            include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../words/", $language, ".json"));
        const START: usize = $crate::words::section_start(FILE, concat!("\"", $section, "\": {"));
        const END: usize = $crate::words::section_end(FILE, START);
        static SECTION: [u8; END - START] = $crate::words::copy(FILE, START);
        str::from_utf8(&SECTION).unwrap_or_default()
    }};
}

/// Where the object begins whose member `opening` introduces.
///
/// # Panics
/// The file has no such member: the program does not compile.
pub const fn section_start(file: &[u8], opening: &str) -> usize {
    let opening = opening.as_bytes();
    let mut at = 0;
    loop {
        assert!(at + opening.len() <= file.len(), "a file in words/ does not have the section");
        let mut matched = 0;
        while matched < opening.len() && file[at + matched] == opening[matched] {
            matched += 1;
        }
        if matched == opening.len() {
            return at + opening.len() - 1;
        }
        at += 1;
    }
}

/// Where the object ends that begins at `start`. It has strings as members and no objects.
pub const fn section_end(file: &[u8], start: usize) -> usize {
    let (mut at, mut in_string) = (start, false);
    while file[at] != b'}' || in_string {
        match file[at] {
            b'"' => in_string = !in_string,
            b'\\' => at += 1,
            _ => {}
        }
        at += 1;
    }
    at + 1
}

/// Copies the bytes from `start` on.
pub const fn copy<const LEN: usize>(file: &[u8], start: usize) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let mut at = 0;
    while at < LEN {
        bytes[at] = file[start + at];
        at += 1;
    }
    bytes
}

/// Fills the placeholders `{name}` of a text in one pass: a value that looks like a placeholder
/// stays as it is, and so does a placeholder that has no value.
pub fn fill_placeholders(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(name, after)| Some((values.iter().find(|(known, _)| *known == name)?.1, after)));
        rest = if let Some((value, after)) = value {
            filled.push_str(value);
            after
        } else {
            filled.push('{');
            after
        };
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::locale::Locale;
    use crate::plural::PluralForm;
    use serde_json::{Map, Value};
    use std::collections::BTreeSet;
    use std::path::Path;

    type Sections = Map<String, Value>;

    fn read_file(locale: Locale) -> Sections {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../words");
        let file = folder.join(format!("{}.json", locale.as_str()));
        serde_json::from_slice(&std::fs::read(file).expect("is readable")).expect("is JSON")
    }

    /// Section, key and text of each entry.
    fn entries(sections: &Sections) -> Vec<(String, String)> {
        let mut entries = Vec::new();
        for (section, texts) in sections {
            for (key, text) in texts.as_object().expect("is a section") {
                let text = text.as_str().expect("is a text").to_owned();
                entries.push((format!("{section}/{key}"), text));
            }
        }
        entries
    }

    fn placeholders(text: &str) -> BTreeSet<&str> {
        text.split('{').skip(1).filter_map(|rest| Some(rest.split_once('}')?.0)).collect()
    }

    #[test]
    fn language_has_the_keys_and_placeholders_of_english() {
        let read = |locale| {
            let mut sections = read_file(locale);
            sections.remove("months").expect("is there: the next test compares it");
            entries(&sections)
        };
        let english = read(Locale::En);
        for locale in Locale::ALL {
            let words = read(locale);
            let keys =
                |words: &[(String, String)]| words.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
            assert_eq!(keys(&words), keys(&english), "{locale:?}");
            for ((key, text), (_, english)) in words.iter().zip(&english) {
                assert!(!text.trim().is_empty(), "{locale:?} {key}");
                assert_eq!(placeholders(text), placeholders(english), "{locale:?} {key}: {text}");
                assert_eq!(text.matches('{').count(), text.matches('}').count(), "{locale:?} {key}: {text}");
            }
        }
    }

    #[test]
    fn months_have_the_plural_forms_of_the_language() {
        for locale in Locale::ALL {
            let file = read_file(locale);
            let texts = file["months"].as_object().expect("is a section");
            let forms: BTreeSet<_> =
                (1..=u8::MAX).map(|count| PluralForm::of(count, locale).as_str()).collect();
            assert_eq!(texts.keys().map(String::as_str).collect::<BTreeSet<_>>(), forms, "{locale:?}");
            for (form, text) in texts {
                let text = text.as_str().expect("is a text");
                // Where a form is for one count only, the word may say it.
                let says_count = matches!(&**form, "one" | "two") || placeholders(text).contains("count");
                assert!(says_count && !text.is_empty(), "{locale:?} {form}: {text}");
            }
        }
    }

    /// An SMS has the apostrophes and spaces of the GSM alphabet.
    #[test]
    fn punctuation_is_that_of_the_language() {
        for locale in Locale::ALL {
            for (key, text) in entries(&read_file(locale)) {
                let is_sms = key.starts_with("sms");
                assert!(is_sms || !text.contains(['\'', '"']) && !text.contains("..."), "{key}: {text}");
                match locale {
                    Locale::Es => {
                        for [opens, closes] in [['¿', '?'], ['¡', '!']] {
                            assert_eq!(text.matches(opens).count(), text.matches(closes).count(), "{text}");
                        }
                    }
                    // The sign stays on the line of its word.
                    Locale::Fr => {
                        for (at, _) in text.match_indices([':', ';', '!', '?']) {
                            let stays = text[..at].ends_with(['\u{a0}', '\u{202f}']);
                            assert!(is_sms || stays, "{key}: {text}");
                        }
                    }
                    Locale::Ar => assert!(!text.contains([',', ';', '?']), "{key}: {text}"),
                    // The others have the punctuation of English.
                    _ => {}
                }
            }
        }
    }

    #[test]
    fn compiled_section_is_that_of_the_file() {
        for locale in Locale::ALL {
            let file = read_file(locale);
            let compiled = [
                ("widget", crate::words_section!("widget", locale)),
                ("account", crate::words_section!("account", locale)),
                ("agreement", crate::words_section!("agreement", locale)),
                ("result", crate::words_section!("result", locale)),
                ("refusal", crate::words_section!("refusal", locale)),
                ("loader", crate::words_section!("loader", locale)),
                ("page", crate::words_section!("page", locale)),
                ("sms", crate::words_section!("sms", locale)),
                ("months", crate::words_section!("months", locale)),
                ("sms-parts", crate::words_section!("sms-parts", locale)),
            ];
            assert_eq!(compiled.len(), file.len(), "every section is compared");
            for (section, text) in compiled {
                let text: Value = serde_json::from_str(text).expect("is JSON");
                assert_eq!(text, file[section], "{locale:?} {section}");
            }
        }
    }

    #[test]
    fn placeholder_is_filled_once_or_stays() {
        let values = [("a", "{b}"), ("b", "B")];
        assert_eq!(fill_placeholders("{a}-{b}{b} {c} { {", &values), "{b}-BB {c} { {");
        assert_eq!(fill_placeholders("", &values), "");
    }
}
