//! What customers read (`words/`) has sentences as short as those of the pages.

use super::page::{collect_files, name_of, repository};
use super::sentences::{Measure, complain_of_long};
use serde_json::Value;
use std::fs;

#[test]
fn words_are_plain() {
    let mut languages = 0;
    let mut complaints = Vec::new();
    collect_files(&repository().join("words"), &mut |file| {
        languages += 1;
        let text = fs::read_to_string(file).expect("can be read");
        let words: Value = serde_json::from_str(&text).expect("is JSON");
        let mut measure = Measure::default();
        for (section, texts) in words.as_object().expect("has sections") {
            for (key, text) in texts.as_object().expect("has texts") {
                let text = text.as_str().expect("is a text");
                measure.count(text);
                complaints.extend(complain_of_long(&format!("{}: {section}.{key}", name_of(file)), text));
            }
        }
        complaints.extend(measure.complain(&name_of(file)));
    });
    assert!(languages >= 5, "{languages} languages were read");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
