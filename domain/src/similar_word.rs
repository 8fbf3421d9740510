//! The word that was probably meant by one that is not known, for the complaint about a mistyped name in a
//! file.

/// Most changes of one letter between the two: a slip of the fingers is one or two, and with three a short
/// word becomes quite another one.
const CHANGES_MAX: usize = 2;

/// The word that is closest to this one, if one is close: at least half of its letters are right.
pub fn find_similar<'w>(word: &str, known: &[&'w str]) -> Option<&'w str> {
    let allowed = CHANGES_MAX.min(word.chars().count() / 2);
    let changes = |known: &&str| strsim::damerau_levenshtein(word, known);
    known.iter().copied().min_by_key(|known| changes(known)).filter(|closest| changes(closest) <= allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_word_is_meant_and_another_is_not() {
        let known = ["name", "listen", "hand_off_seconds", "operator", "suspended", "sms", "poor"];
        for (word, meant) in [
            ("nmae", Some("name")),
            ("handoff_seconds", Some("hand_off_seconds")),
            ("Operator", Some("operator")),
            ("suspnded", Some("suspended")),
            ("mss", Some("sms")),
            // Two changes of three letters, and three of a longer word.
            ("msx", None),
            ("colour", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(find_similar(word, &known), meant, "{word}");
        }
        assert_eq!(find_similar("name", &[]), None);
    }
}
