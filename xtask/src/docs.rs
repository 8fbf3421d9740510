//! `cargo xtask docs`: builds the pages of docs/ as a site, with a viewer for the API documents. The site is laid out like
//! the repository, with a copy of every file of it, so that each link of a page holds on the site as well.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::cargo_tool::MDBOOK;
use crate::child::{new_command, run_logged};
use crate::failure::{Context, Failure, Outcome};
use crate::git::ask_git;
use crate::{paths, setup};

/// The table of contents. Its links are those of a page in docs/.
const CONTENTS: &str = "docs/SUMMARY.md";
const CONFIGURATION: &str = "docs/book.toml";
/// The OpenAPI documents, by the names that `docs/api/viewer.html` knows.
const API_DOCUMENTS: [&str; 4] = ["ott", "partner", "operator", "csp"];
/// Where the viewer's page finds its program, and the documents.
const VIEWER_PROGRAM: &str = "docs/api/openapi-explorer.min.js";
const VIEWER_DOCUMENTS: &str = "docs/api/documents.js";
const INSTALLED_VIEWER: &str = "node_modules/openapi-explorer/dist/browser/openapi-explorer.min.js";

pub(crate) fn build_site() -> Outcome {
    MDBOOK.install()?;
    let viewer = paths::repository_root().join("xtask/viewer");
    setup::install_viewer(&viewer)?;
    let book = paths::target_dir().join("docs");
    // There may be none of an earlier run.
    let _ = fs::remove_dir_all(&book);
    let pages = book.join("src");
    copy_repository(&pages)?;
    fs::copy(paths::repository_root().join(CONFIGURATION), book.join("book.toml"))
        .context(&format!("copy {CONFIGURATION}"))?;
    let contents = read_page(CONTENTS)?;
    write_page(&pages.join("SUMMARY.md"), &place_links_at_root(&contents))?;
    fs::copy(viewer.join(INSTALLED_VIEWER), pages.join(VIEWER_PROGRAM)).context("copy the viewer")?;
    write_page(&pages.join(VIEWER_DOCUMENTS), &viewer_documents()?)?;
    let site = book.join("site");
    let mut build = new_command(MDBOOK.path());
    run_logged("building the site", "docs.log", build.arg("build").arg(&book).arg("--dest-dir").arg(&site))?;
    println!("open {}", site.join("index.html").display());
    Ok(())
}

/// Copies every file that git knows. The table of contents is written by itself.
fn copy_repository(to: &Path) -> Outcome {
    for file in ask_git(&["ls-files", "--cached", "--others", "--exclude-standard"])?.lines() {
        let source = paths::repository_root().join(file);
        if file == CONTENTS || file == CONFIGURATION || !source.is_file() {
            continue;
        }
        let target = to.join(file);
        let folder = target.parent().unwrap_or(to);
        fs::create_dir_all(folder).context(&format!("make {}", folder.display()))?;
        fs::copy(&source, &target).context(&format!("copy {file}"))?;
    }
    Ok(())
}

fn read_page(file: &str) -> Outcome<String> {
    fs::read_to_string(paths::repository_root().join(file)).context(&format!("read {file}"))
}

fn write_page(file: &Path, text: &str) -> Outcome {
    fs::write(file, text).context(&format!("write {}", file.display()))
}

/// Makes the links of a page in docs/ those of one at the root.
fn place_links_at_root(contents: &str) -> String {
    let place = |line: &str| match line.split_once("](") {
        None => line.to_owned(),
        Some((before, link)) => match link.strip_prefix("../") {
            Some(link) => format!("{before}]({link}"),
            None => format!("{before}](docs/{link}"),
        },
    };
    contents.lines().map(|line| place(line) + "\n").collect()
}

/// The documents as a script. A page that is opened from a disk may load scripts, but may not fetch files.
fn viewer_documents() -> Outcome<String> {
    let mut documents = Map::new();
    for name in API_DOCUMENTS {
        let file = PathBuf::from(format!("docs/api/{name}.json"));
        let text = read_page(&file.to_string_lossy())?;
        let document: Value = serde_json::from_str(&text)
            .map_err(|error| Failure::new(format!("{} is not JSON: {error}", file.display())))?;
        documents.insert(name.to_owned(), document);
    }
    Ok(format!("const API_DOCUMENTS = {};\n", Value::Object(documents)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contents_lead_from_the_root() {
        let contents =
            "# Contents\n\n[onbill](../README.md)\n\n- [API](api/README.md)\n  - [OTT](api/ott.md)\n";
        assert_eq!(
            place_links_at_root(contents),
            "# Contents\n\n[onbill](README.md)\n\n- [API](docs/api/README.md)\n  - [OTT](docs/api/ott.md)\n"
        );
    }

    #[test]
    fn viewer_has_every_document_and_loads_nothing_else() {
        let page = read_page("docs/api/viewer.html").expect("is there");
        for name in API_DOCUMENTS {
            assert!(page.contains(&format!("?document={name}\"")), "{name}");
        }
        for script in [VIEWER_PROGRAM, VIEWER_DOCUMENTS] {
            let name = script.rsplit('/').next().unwrap_or_default();
            assert!(page.contains(&format!("src=\"{name}\"")), "{name}");
        }
        for elsewhere in ["http:", "https:", "\"//"] {
            assert!(!page.contains(elsewhere), "the viewer's page names another host: {elsewhere}");
        }
        let script = viewer_documents().expect("the documents are JSON");
        let json = script.trim_start_matches("const API_DOCUMENTS = ").trim_end_matches(";\n");
        let documents: Value = serde_json::from_str(json).expect("is JSON");
        assert_eq!(documents["ott"]["openapi"], "3.1.1");
    }
}
