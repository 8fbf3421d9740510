//! The lists of words in the documents that grow with onbill, written from their enums.

use super::document::{document, documents, read_document};
use super::recorded_page::compare_with_recorded;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::locale::Locale;
use onbill_domain::refusal_detail::{Ineligibility, RefusalReason, Suspension};
use std::fmt::Write as _;

/// A line of a document, as long as its neighbors.
const COLUMNS_MAX: usize = 100;

struct WordList {
    schema: &'static str,
    description: String,
    words: Vec<&'static str>,
}

fn languages() -> WordList {
    let meanings = Locale::ALL.map(|locale| (locale.as_str(), locale.english_name()));
    describe("Locale", "A language.", &meanings)
}

fn decline_reasons() -> WordList {
    let closing = DeclineReason::ALL.into_iter().filter(|reason| reason.closes_pai());
    let closing: Vec<String> = closing.map(|reason| format!("`{}`", reason.as_str())).collect();
    let (last, others) = closing.split_last().expect("some close the PAI");
    let introduction = format!("A final reason. {} and {last} close the PAI.", others.join(", "));
    let meanings = DeclineReason::ALL.map(|reason| (reason.as_str(), reason.meaning()));
    describe("DeclineReason", &introduction, &meanings)
}

fn describe(schema: &'static str, introduction: &str, meanings: &[(&'static str, &'static str)]) -> WordList {
    let mut description = introduction.to_owned();
    for (word, meaning) in meanings {
        let _ = write!(description, " `{word}`: {meaning}.");
    }
    WordList { schema, description, words: meanings.iter().map(|(word, _)| *word).collect() }
}

impl WordList {
    /// The members `description` and `enum`.
    fn render(&self, indent: &str) -> String {
        let quoted: Vec<String> = self.words.iter().map(|word| format!("\"{word}\"")).collect();
        let mut line = format!("{indent}\"enum\": [{}],\n", quoted.join(", "));
        if line.len() > COLUMNS_MAX {
            let each = quoted.join(&format!(",\n{indent}  "));
            line = format!("{indent}\"enum\": [\n{indent}  {each}\n{indent}],\n");
        }
        format!("{indent}\"description\": \"{}\",\n{line}", self.description)
    }

    /// Writes the list over the one in the document, if that has the schema.
    fn write_into(&self, document: &str) -> String {
        let opening = format!("\"{}\": {{\n", self.schema);
        let Some((before, schema)) = document.split_once(&opening) else { return document.to_owned() };
        let start = schema.find("\"description\":").expect("a schema is described");
        let start = schema[..start].rfind('\n').map_or(0, |at| at + 1);
        let end = start + schema[start..].find("],\n").expect("ends its list") + "],\n".len();
        let indent: String = schema.chars().take_while(|char| *char == ' ').collect();
        format!("{before}{opening}{}{}{}", &schema[..start], self.render(&indent), &schema[end..])
    }
}

/// The document with the lists as they are in the code.
pub(super) fn write_word_lists(document: &str) -> String {
    decline_reasons().write_into(&languages().write_into(document))
}

#[test]
fn word_lists_are_those_of_the_enums() {
    for document in documents() {
        let name = document.name;
        compare_with_recorded(&format!("{name}.json"), &write_word_lists(&read_document(name)));
    }
}

#[test]
fn link_is_closed_with_the_reasons_that_close_pais() {
    let operator = document("operator");
    let listed = &operator.schemas()["LinkCloseRequest"]["properties"]["reason"]["enum"];
    let closing = DeclineReason::ALL.into_iter().filter(|reason| reason.closes_pai());
    let closing: Vec<&str> = closing.map(DeclineReason::as_str).collect();
    assert_eq!(*listed, serde_json::json!(closing));
}

/// They are in a sentence, because the words of two enums have no list of their own.
#[test]
fn reasons_that_partners_read_are_named() {
    let ott = document("ott");
    let sentence = &ott.schemas()["AccountErrorBody"]["properties"]["reason"]["description"];
    let sentence = sentence.as_str().expect("is a text");
    let ineligible = Ineligibility::ALL.map(RefusalReason::Ineligible).into_iter();
    for reason in ineligible.chain(Suspension::ALL.map(RefusalReason::Suspended)) {
        let is_named = sentence.contains(&format!("`{}`", reason.as_str()));
        assert_eq!(is_named, reason.for_partner() == reason, "{}", reason.as_str());
    }
}
