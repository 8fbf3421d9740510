//! The pages of the tree.

use std::fs;
use std::path::Path;

/// Folders that hold nothing of ours, or what a build has made.
const SKIPPED: [&str; 5] = ["node_modules", "target", "build", ".git", ".wrangler"];

/// Each page with its name.
pub(crate) fn read_pages(repository: &Path) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    collect_pages(repository, &mut pages);
    pages.sort();
    pages
}

fn collect_pages(folder: &Path, pages: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the entry can be read").path();
        let is_skipped = path.file_name().is_some_and(|name| SKIPPED.iter().any(|skipped| name == *skipped));
        if is_skipped || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect_pages(&path, pages);
        } else if path.extension().is_some_and(|ending| ending == "md") {
            let text = fs::read_to_string(&path).expect("the page can be read");
            pages.push((path.display().to_string(), text));
        }
    }
}
