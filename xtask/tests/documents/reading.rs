//! Each page reads easily.

use super::page::{BlockKind, Page, all_pages};
use super::sentences::{Measure, complain_of_long};

const PAGES_AT_ROOT: [&str; 4] = ["ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "SECURITY.md"];

/// Names what is hard to read. Headings and cells are short by nature: they have the limit of a sentence, but do not
/// lower the mean of the prose.
fn complain_of_page(page: &Page) -> Vec<String> {
    let mut measure = Measure::default();
    let mut complaints = Vec::new();
    for block in page.blocks() {
        if block.kind == BlockKind::Prose {
            measure.count(&block.text);
        }
        complaints.extend(complain_of_long(&format!("{}:{}", page.name, block.line), &block.text));
    }
    complaints.extend(measure.complain(&page.name));
    complaints
}

#[test]
fn pages_are_plain() {
    let pages = all_pages();
    let read: Vec<_> = pages
        .iter()
        .filter(|page| page.name.starts_with("docs/") || PAGES_AT_ROOT.contains(&page.name.as_str()))
        .collect();
    assert!(read.len() > 90, "{} pages are read", read.len());
    let complaints: Vec<_> = read.into_iter().flat_map(complain_of_page).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn hard_pages_are_found() {
    let hard = |text: &str| complain_of_page(&Page { name: "page.md".to_owned(), text: text.to_owned() });
    let long = "word ".repeat(36);
    for text in
        [long.clone(), format!("- a\n- {long}"), format!("| a |\n|---|\n| {long} |\n"), format!("# {long}")]
    {
        assert!(hard(&text).iter().any(|complaint| complaint.contains("36 words")), "{text}");
    }
    assert!(hard(&format!("```text\n{long}\n```\n")).is_empty());
    let mean = format!("# A\n\n{}.\n\n| a |\n|---|\n| b |\n", "word ".repeat(18).trim());
    assert_eq!(hard(&mean), ["page.md: 18.0 words in a sentence, at most 17"]);
}

#[test]
fn readme_and_map_stay_short() {
    for (name, lines_max) in [("README.md", 110), ("ARCHITECTURE.md", 130)] {
        let lines = Page::read(name).text.lines().count();
        assert!(lines <= lines_max, "{name} has {lines} lines, at most {lines_max}");
    }
}
