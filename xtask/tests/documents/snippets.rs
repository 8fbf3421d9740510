//! Each block of code says its language, and JSON, TOML and the verbs of xtask in it are what they claim to be.

use super::page::{Page, all_pages};
use pulldown_cmark::{CodeBlockKind, Event, Tag, TagEnd};
use std::process::Command;

struct Snippet {
    line: usize,
    /// Empty where none is named.
    language: String,
    text: String,
}

fn snippets_of(page: &Page) -> Vec<Snippet> {
    let mut snippets: Vec<Snippet> = Vec::new();
    let mut is_open = false;
    for (event, range) in page.parse() {
        match event {
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                is_open = true;
                snippets.push(Snippet { line: page.line_of(range.start), language, text: String::new() });
            }
            Event::End(TagEnd::CodeBlock) => is_open = false,
            Event::Text(text) if is_open => snippets.last_mut().expect("is open").text.push_str(&text),
            _ => {}
        }
    }
    snippets
}

/// The usage of this xtask.
pub(crate) fn usage() -> String {
    let help = Command::new(env!("CARGO_BIN_EXE_xtask")).arg("help").output().expect("xtask runs");
    String::from_utf8(help.stdout).expect("is UTF-8")
}

fn complain_of_snippet(snippet: &Snippet, usage: &str) -> Option<String> {
    match snippet.language.as_str() {
        "" => Some("names no language".to_owned()),
        "json" => {
            serde_json::from_str::<serde_json::Value>(&snippet.text).err().map(|error| error.to_string())
        }
        "toml" => toml::from_str::<toml::Table>(&snippet.text).err().map(|error| error.to_string()),
        "sh" => snippet.text.lines().find_map(|line| complain_of_verb(line, usage)),
        _ => None,
    }
}

fn complain_of_verb(line: &str, usage: &str) -> Option<String> {
    let verb = line.trim().strip_prefix("cargo xtask ")?.split_whitespace().next()?;
    let is_known = verb == "help" || usage.lines().any(|line| line.split_whitespace().next() == Some(verb));
    (!is_known).then(|| format!("`cargo xtask {verb}` is no verb"))
}

#[test]
fn snippets_are_whole() {
    let usage = usage();
    let mut complaints = Vec::new();
    for page in all_pages() {
        for snippet in snippets_of(&page) {
            let complaint = complain_of_snippet(&snippet, &usage);
            complaints
                .extend(complaint.map(|complaint| format!("{}:{}: {complaint}", page.name, snippet.line)));
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn broken_snippets_are_found() {
    let usage = usage();
    for (block, complains) in [
        ("```\nx\n```\n", true),
        ("text\n\n    indented\n", true),
        ("```text\nx\n```\n", false),
        ("```json\n{\"a\": …}\n```\n", true),
        ("```json\n{\"a\": 1}\n```\n", false),
        ("```toml\na = \n```\n", true),
        ("```toml\na = 1\n```\n", false),
        ("```sh\ncargo xtask deploy\n```\n", true),
        ("```sh\ncargo xtask dev   # why\n```\n", false),
    ] {
        let snippets = snippets_of(&Page { name: "page.md".to_owned(), text: block.to_owned() });
        assert_eq!(snippets.len(), 1, "{block}");
        assert_eq!(complain_of_snippet(&snippets[0], &usage).is_some(), complains, "{block}");
    }
}
