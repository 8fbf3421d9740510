//! The widget's files as they are shipped: without comments, and with short names for what only
//! they can see. It is the esbuild that also bundles the edge's script.

use std::fs;
use std::path::PathBuf;

use crate::child::{npm_command, run_logged};
use crate::edge::Profile;
use crate::failure::{Context, Outcome};
use crate::paths;

const MINIFIED: [&str; 10] = [
    "onbill.js",
    "onbill.css",
    "frame.css",
    "frame.js",
    "frame-typed.js",
    "frame-look.js",
    "frame-confirm.js",
    "frame-account.js",
    "frame-sandbox.js",
    "refusal.js",
];
const COPIED: [&str; 1] = ["frame.html"];

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
    for name in COPIED {
        fs::copy(from.join(name), to.join(name)).context(&format!("copy {name}"))?;
    }
    Ok(())
}
