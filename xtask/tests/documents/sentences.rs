//! Sentences, and how long they are.

/// A sentence that is longer has to be read twice.
pub(crate) const WORDS_MAX: usize = 35;
/// The mean of a page in plain English.
pub(crate) const MEAN_WORDS_MAX: f64 = 17.0;

/// Splits a text into its sentences. A sentence ends at `.`, `!` or `?` before white space, where what follows does not
/// begin with a small letter.
pub(crate) fn split_sentences(text: &str) -> Vec<&str> {
    let mut sentences = Vec::new();
    let mut start = 0;
    for (at, mark) in text.char_indices() {
        if !['.', '!', '?', '؟'].contains(&mark) {
            continue;
        }
        let after = text[at + mark.len_utf8()..].trim_start_matches(['"', '”', '’', '\'', ')', ']', '»']);
        let next = after.trim_start();
        if next.len() == after.len()
            || next.chars().find(|c| c.is_alphanumeric() || *c == '`').is_none_or(char::is_lowercase)
        {
            continue;
        }
        let end = text.len() - next.len();
        sentences.push(text[start..end].trim());
        start = end;
    }
    sentences.push(text[start..].trim());
    sentences.retain(|sentence| count_words(sentence) > 0);
    sentences
}

pub(crate) fn count_words(sentence: &str) -> usize {
    sentence.split_whitespace().filter(|word| word.chars().any(char::is_alphanumeric)).count()
}

/// The sentences of one text, such as a page.
#[derive(Default)]
pub(crate) struct Measure {
    sentences: usize,
    words: usize,
}

impl Measure {
    /// Counts the sentences of a text towards the mean.
    pub(crate) fn count(&mut self, text: &str) {
        for sentence in split_sentences(text) {
            self.sentences += 1;
            self.words += count_words(sentence);
        }
    }

    /// The complaint about the mean, if it is too high.
    pub(crate) fn complain(&self, name: &str) -> Option<String> {
        let (words, sentences) = (u32::try_from(self.words).ok()?, u32::try_from(self.sentences).ok()?);
        let mean = f64::from(words) / f64::from(sentences.max(1));
        (mean > MEAN_WORDS_MAX)
            .then(|| format!("{name}: {mean:.1} words in a sentence, at most {MEAN_WORDS_MAX}"))
    }
}

/// Names the sentences of a text that are too long.
pub(crate) fn complain_of_long(place: &str, text: &str) -> Vec<String> {
    let sentences = split_sentences(text).into_iter();
    let long =
        sentences.map(|sentence| (count_words(sentence), sentence)).filter(|(words, _)| *words > WORDS_MAX);
    long.map(|(words, sentence)| format!("{place}: {words} words, at most {WORDS_MAX}: {sentence}")).collect()
}

#[test]
fn sentences_end_where_a_reader_pauses() {
    for (text, sentences) in [
        ("One. Two! Three? Four", vec!["One.", "Two!", "Three?", "Four"]),
        ("He says \"Stop.\" Then more.", vec!["He says \"Stop.\"", "Then more."]),
        ("Version 1.2 or e.g. this. `code` runs.", vec!["Version 1.2 or e.g. this.", "`code` runs."]),
        ("It ends (here). 12 follow.", vec!["It ends (here).", "12 follow."]),
        ("أين؟ هنا.", vec!["أين؟", "هنا."]),
        ("—", vec![]),
    ] {
        assert_eq!(split_sentences(text), sentences, "{text}");
    }
    assert_eq!(count_words("a – b, `code` c."), 4);
}

#[test]
fn long_sentences_and_means_are_found() {
    let long = "word ".repeat(WORDS_MAX + 1);
    assert_eq!(complain_of_long("page.md:7", &long).len(), 1);
    assert!(complain_of_long("page.md:7", &long)[0].starts_with("page.md:7: 36 words"));
    assert!(complain_of_long("page.md:7", &long["word ".len()..]).is_empty());
    let mut measure = Measure::default();
    measure.count(&format!("{}. {}.", "A".repeat(3), "word ".repeat(34).trim()));
    assert!(measure.complain("page.md").is_some());
    measure.count("Short. Short.");
    assert!(measure.complain("page.md").is_none());
}
