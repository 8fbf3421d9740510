//! The widget's files as they are shipped: without comments, and with short names for what only
//! they can see. It is the esbuild that also bundles the edge's script.

use std::fs;
use std::path::PathBuf;

use crate::child::{npm_command, run_logged};
use crate::edge::Profile;
use crate::failure::{Context, Outcome};
use crate::paths;

const MINIFIED: [&str; 11] = [
    "onbill.js",
    "onbill.css",
    "frame.css",
    "frame.js",
    "frame-typed.js",
    "frame-look.js",
    "frame-confirm.js",
    "frame-account.js",
    "frame-account.css",
    "frame-sandbox.js",
    "refusal.js",
];
/// Pages, which esbuild does not read.
const PAGES: [&str; 1] = ["frame.html"];

/// The folder of the files that a profile ships. For development these are the sources.
pub(crate) fn shipped_dir(profile: Profile) -> PathBuf {
    match profile {
        Profile::Release => paths::xtask_file("widget"),
        Profile::Dev => paths::repository_root().join("worker/widget"),
    }
}

/// Minifies the widget's files into the folder of the release profile.
pub(crate) fn minify_widget() -> Outcome {
    let (from, to) = (shipped_dir(Profile::Dev), shipped_dir(Profile::Release));
    let mut esbuild = npm_command("esbuild");
    esbuild.args(MINIFIED.map(|name| from.join(name))).arg(format!("--outdir={}", to.display()));
    // Each file is read as a script: what another one uses by its name keeps it. The words of the page stay readable.
    esbuild.args(["--minify", "--charset=utf8", "--log-level=warning"]);
    run_logged("minifying the widget", "edge-widget.log", &mut esbuild)?;
    for name in PAGES {
        let page = fs::read_to_string(from.join(name)).context(&format!("read {name}"))?;
        fs::write(to.join(name), shorten_page(&page)).context(&format!("write {name}"))?;
    }
    Ok(())
}

/// Leaves out what a browser does not read: empty lines, and comments, each of which has a line of its own.
fn shorten_page(page: &str) -> String {
    let lines = page.lines().filter(|line| !line.is_empty() && !line.starts_with("<!--"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_keeps_all_but_comments_and_empty_lines() {
        let page = "<!doctype html>\n<!-- Why. -->\n<p>One</p>\n\n<p>Two <!-- here --></p>\n";
        assert_eq!(shorten_page(page), "<!doctype html>\n<p>One</p>\n<p>Two <!-- here --></p>\n");
    }
}
