//! The widget's files as they are shipped: without comments, and with short names for what only
//! they can see. It is the esbuild that also bundles the edge's script.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::profile::Profile;
use crate::child::{npm_command, run_logged};
use crate::failure::{Context, Outcome};
use crate::paths;

/// Files that are minified each by itself.
const MINIFIED: [&str; 6] =
    ["onbill.js", "onbill.css", "frame.css", "frame-account.js", "frame-account.css", "refusal.js"];
/// The files of the frame's script, in the order in which the edge joins them (`routes/widget/frame.rs`).
/// They share one scope, so that they are minified together.
const FRAME_SCRIPT: [&str; 14] = [
    "frame-typed.js",
    "frame-state.js",
    "frame-words.js",
    "frame-steps.js",
    "frame-edge.js",
    "frame-refusal.js",
    "frame-number.js",
    "frame-challenge.js",
    "frame-code.js",
    "frame-look.js",
    "frame-sandbox.js",
    "frame-confirm.js",
    "frame-around.js",
    "frame.js",
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
    // Each file is read as a script: what another one uses by its name keeps it.
    let mut esbuild = minifier_command();
    esbuild.args(MINIFIED.map(|name| from.join(name))).arg(format!("--outdir={}", to.display()));
    run_logged("minifying the widget", "edge-widget.log", &mut esbuild)?;
    minify_frame_script(&from, &to)?;
    for name in PAGES {
        let page = fs::read_to_string(from.join(name)).context(&format!("read {name}"))?;
        fs::write(to.join(name), shorten_page(&page)).context(&format!("write {name}"))?;
    }
    Ok(())
}

/// The minified script is in the first file, and the others are empty: joined they are one script, as the
/// sources are.
fn minify_frame_script(from: &Path, to: &Path) -> Outcome {
    let mut script = String::new();
    for name in FRAME_SCRIPT {
        script += &fs::read_to_string(from.join(name)).context(&format!("read {name}"))?;
        fs::write(to.join(name), "").context(&format!("write {name}"))?;
    }
    let joined = paths::xtask_file("frame-joined.js");
    fs::write(&joined, script).context(&format!("write {}", joined.display()))?;
    let mut esbuild = minifier_command();
    esbuild.arg(joined).arg(format!("--outfile={}", to.join(FRAME_SCRIPT[0]).display()));
    // Nothing outside uses its names.
    esbuild.arg("--format=iife");
    run_logged("minifying the widget's frame", "edge-widget-frame.log", &mut esbuild)
}

/// The words of the page stay readable.
fn minifier_command() -> Command {
    let mut esbuild = npm_command("esbuild");
    esbuild.args(["--minify", "--charset=utf8", "--log-level=warning"]);
    esbuild
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
    fn frame_script_is_joined_as_the_edge_joins_it() {
        let route = paths::repository_root().join("worker/src/routes/widget/frame.rs");
        let route = fs::read_to_string(route).expect("is there");
        let shipped = route.split("#[cfg(test)]").next().expect("has a first part");
        let joined: Vec<&str> = shipped
            .split("\"/")
            .skip(1)
            .filter_map(|rest| rest.split_once(".js\""))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(joined, FRAME_SCRIPT.map(|name| name.trim_end_matches(".js")));
    }

    #[test]
    fn page_keeps_all_but_comments_and_empty_lines() {
        let page = "<!doctype html>\n<!-- Why. -->\n<p>One</p>\n\n<p>Two <!-- here --></p>\n";
        assert_eq!(shorten_page(page), "<!doctype html>\n<p>One</p>\n<p>Two <!-- here --></p>\n");
    }
}
