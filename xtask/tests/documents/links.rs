//! Each link inside of the tree leads to a file, and to a heading of it where it names one.

use super::page::{Page, all_pages, repository};
use pulldown_cmark::{Event, Tag, TagEnd};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// A link or a picture inside of the tree.
pub(crate) struct Link {
    pub(crate) line: usize,
    /// The file from the root, or nothing where the link leaves the tree.
    pub(crate) file: Option<String>,
    pub(crate) anchor: String,
    shown: String,
}

/// The links of a page that name no other host.
pub(crate) fn links_of(page: &Page) -> Vec<Link> {
    let mut links = Vec::new();
    for (event, range) in page.parse() {
        let Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) = event else { continue };
        if dest_url.contains(':') {
            continue;
        }
        let (path, anchor) = dest_url.split_once('#').unwrap_or((&dest_url, ""));
        let path = path.split('?').next().unwrap_or_default();
        let file = if path.is_empty() { Some(page.name.clone()) } else { resolve(&page.name, path) };
        let line = page.line_of(range.start);
        links.push(Link { line, file, anchor: anchor.to_owned(), shown: dest_url.to_string() });
    }
    links
}

/// The file that a path of a page means, from the root.
pub(crate) fn resolve(page: &str, path: &str) -> Option<String> {
    let mut file = PathBuf::new();
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    for part in folder.join(path).components() {
        match part {
            Component::Normal(name) => file.push(name),
            Component::ParentDir if !file.pop() => return None,
            _ => {}
        }
    }
    file.to_str().map(str::to_owned)
}

/// The anchors of a page's headings, as GitHub and mdBook make them.
fn anchors_of(page: &Page) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut heading: Option<String> = None;
    for (event, _) in page.parse() {
        match event {
            Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
            Event::Text(text) | Event::Code(text) => {
                if let Some(heading) = &mut heading {
                    heading.push_str(&text);
                }
            }
            Event::End(TagEnd::Heading(_)) => {
                let anchor = anchor_of(&heading.take().unwrap_or_default());
                let count = seen.entry(anchor.clone()).or_insert(0);
                anchors.push(if *count == 0 { anchor } else { format!("{anchor}-{count}") });
                *count += 1;
            }
            _ => {}
        }
    }
    anchors
}

fn anchor_of(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || [' ', '-', '_'].contains(c));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn complain_of_link(link: &Link, anchors: &HashMap<&str, Vec<String>>) -> Option<&'static str> {
    let Some(file) = &link.file else { return Some("leaves the tree") };
    if !repository().join(file).is_file() {
        return Some("is no file");
    }
    let has_anchor = |anchors: &Vec<String>| anchors.contains(&link.anchor);
    let is_found = link.anchor.is_empty() || anchors.get(file.as_str()).is_some_and(has_anchor);
    (!is_found).then_some("has no such heading")
}

#[test]
fn links_lead_somewhere() {
    let pages = all_pages();
    let anchors = pages.iter().map(|page| (page.name.as_str(), anchors_of(page))).collect();
    let mut checked = 0;
    let mut complaints = Vec::new();
    for page in &pages {
        for link in links_of(page) {
            checked += 1;
            if let Some(complaint) = complain_of_link(&link, &anchors) {
                complaints.push(format!("{}:{}: {} {complaint}", page.name, link.line, link.shown));
            }
        }
    }
    assert!(checked > 500, "{checked} links were found");
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

#[test]
fn broken_links_are_found() {
    let page = |name: &str, text: &str| Page { name: name.to_owned(), text: text.to_owned() };
    let anchors = HashMap::from([("README.md", anchors_of(&page("README.md", "# A `b`: C's\n# A\n# A\n")))]);
    assert_eq!(anchors["README.md"], ["a-b-cs", "a", "a-1"]);
    for (link, complaint) in [
        ("../README.md#a-1", None),
        ("../README.md?x=1", None),
        ("../README.md#a-2", Some("has no such heading")),
        ("../LICENSE#a", Some("has no such heading")),
        ("absent.md", Some("is no file")),
        ("../docs", Some("is no file")),
        ("../../README.md", Some("leaves the tree")),
    ] {
        let found = links_of(&page("docs/page.md", &format!("[x]({link})")));
        assert_eq!(complain_of_link(&found[0], &anchors), complaint, "{link}");
    }
    assert!(links_of(&page("docs/page.md", "[x](https://a.example/b) <mailto:a@b.example>")).is_empty());
}
