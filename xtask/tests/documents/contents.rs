//! `docs/SUMMARY.md`: the table of contents of the site has every page once.

use super::links::links_of;
use super::page::{Page, all_pages};
use std::collections::HashMap;
use std::path::Path;

const CONTENTS: &str = "docs/SUMMARY.md";

fn listed() -> HashMap<String, usize> {
    let mut listed = HashMap::new();
    for link in links_of(&Page::read(CONTENTS)) {
        assert_eq!(link.anchor, "", "line {}: a chapter is a page", link.line);
        *listed.entry(link.file.expect("is in the tree")).or_insert(0) += 1;
    }
    listed
}

#[test]
fn contents_have_each_page_once() {
    let mut listed = listed();
    for page in all_pages() {
        let times = listed.remove(&page.name).unwrap_or(0);
        let wanted = usize::from(page.name.starts_with("docs/") && page.name != CONTENTS);
        if wanted == 1 {
            assert_eq!(times, 1, "{} in {CONTENTS}", page.name);
        } else {
            assert!(times <= 1, "{} is there {times} times", page.name);
        }
    }
    assert!(listed.is_empty(), "these are no pages: {listed:?}");
}

#[test]
fn pages_of_the_site_link_to_pages_of_the_site() {
    let listed = listed();
    let mut complaints = Vec::new();
    for page in all_pages().iter().filter(|page| listed.contains_key(&page.name)) {
        for link in links_of(page) {
            let file = link.file.unwrap_or_default();
            let is_page = Path::new(&file).extension().is_some_and(|extension| extension == "md");
            if is_page && !listed.contains_key(&file) {
                complaints.push(format!("{}:{}: {file} is not in {CONTENTS}", page.name, link.line));
            }
        }
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}
