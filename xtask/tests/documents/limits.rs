//! `docs/limits.md` has every limit of `domain/src/limits.rs`, with its figure.

use super::page::{Page, repository};
use std::fs;

/// The constants with their values.
fn limits() -> Vec<(String, u64)> {
    let source = fs::read_to_string(repository().join("domain/src/limits.rs")).expect("can be read");
    let lines = source.lines().filter_map(|line| line.strip_prefix("pub const "));
    let read = lines.map(|line| {
        let (name, rest) = line.split_once(':').expect("a constant has a type");
        let (_, value) = rest.trim_end_matches(';').split_once(" = ").expect("a constant has a value");
        let factors = value.split(" * ").map(|factor| factor.replace('_', "").parse::<u64>());
        let value = factors.map(|factor| factor.expect("a limit is a product of figures")).product();
        (name.to_owned(), value)
    });
    read.collect()
}

/// The figure that the page gives for a constant.
fn figure_of(page: &str, name: &str) -> Option<u64> {
    let row = page.lines().find(|line| line.contains(&format!("| `{name}` |")))?;
    let figure = row.split('|').nth(2)?.split_whitespace().next()?;
    figure.parse().ok()
}

#[test]
fn page_has_each_limit() {
    let page = Page::read("docs/limits.md").text;
    let limits = limits();
    assert!(limits.len() > 30, "{} limits were read", limits.len());
    for (name, value) in limits {
        assert_eq!(figure_of(&page, &name), Some(value), "{name} in docs/limits.md");
    }
}

#[test]
fn figures_are_read() {
    let page = "| a limit | 300 seconds | `A_SECONDS` | a reason |\n";
    assert_eq!(figure_of(page, "A_SECONDS"), Some(300));
    assert_eq!(figure_of(page, "B_SECONDS"), None);
}
