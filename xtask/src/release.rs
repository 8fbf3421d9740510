//! `cargo xtask release`: makes everything that a release ships into target/release-artifacts/VERSION. It publishes
//! nothing, and tags nothing.
//!
//! Archives have the time of the commit, sorted members and no owner, so that the same commit makes the same bytes
//! wherever that is cheap. The lists of components have times and ids of their own.

mod archive;
mod checksums;
mod edge_files;
mod folders;
mod migration_lock;
mod origin_files;
mod sboms;
mod source;
mod tools;

use std::fs;
use std::path::Path;

use crate::arguments::ReleaseAction;
use crate::failure::{Context, Failure, Outcome};
use crate::setup;
use folders::Release;
use source::Source;

/// What a release consists of, for `--check` and for the page about packages.
const ARTEFACTS: [(&str, &str); 9] = [
    (
        "onbill-origin-VERSION-x86_64-linux-musl.tar.gz",
        "the origin, static, with man pages, completions and an example",
    ),
    ("onbill-origin_VERSION-1_amd64.deb", "the same for Debian and Ubuntu, with its systemd units"),
    ("onbill-edge-VERSION.tar.gz", "the edge as built, for wrangler on a machine without Rust"),
    ("onbill-widget-VERSION.tar.gz", "the widget's sources and what is shipped of them, with hashes"),
    ("onbill-ops-VERSION.tar.gz", "the folder ops/: containers, units, chart, rules and dashboard"),
    ("onbill-origin-VERSION.cdx.json", "the components of the origin (CycloneDX)"),
    ("onbill-edge-VERSION.cdx.json", "the components of the edge"),
    ("onbill-npm-VERSION.cdx.json", "the npm packages that build and test it"),
    ("SHA256SUMS", "the checksums of all of these"),
];

pub(crate) fn run_release(action: ReleaseAction) -> Outcome {
    match action {
        ReleaseAction::Prepare => migration_lock::lock_migrations(),
        ReleaseAction::Check => check_release(),
        ReleaseAction::Make => make_release(false),
        ReleaseAction::Snapshot => make_release(true),
    }
}

fn check_release() -> Outcome {
    let source = Source::read()?;
    println!("{} of commit {} would be:", source.version, source.commit);
    for (name, what) in ARTEFACTS {
        println!("  {:<52} {what}", name.replace("VERSION", &source.version));
    }
    let mut in_the_way = source.find_obstacles(false)?;
    in_the_way.extend(tools::find_missing());
    if in_the_way.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!("in the way:\n  {}", in_the_way.join("\n  "))))
}

fn make_release(is_snapshot: bool) -> Outcome {
    let source = Source::read()?;
    let obstacles = source.find_obstacles(is_snapshot)?;
    if !obstacles.is_empty() {
        return Err(Failure::new(format!("there is no release yet:\n  {}", obstacles.join("\n  "))));
    }
    setup::install_everything()?;
    tools::install_missing()?;
    let release = Release::begin(source, is_snapshot)?;
    origin_files::make_all(&release)?;
    edge_files::make_all(&release)?;
    archive::pack_ops(&release)?;
    sboms::write_all(&release)?;
    checksums::write_checksums(&release.folder)?;
    release.check_artefacts()?;
    println!("{}", release.folder.display());
    Ok(())
}

impl Release {
    /// Fails unless exactly the artefacts of the list were made.
    fn check_artefacts(&self) -> Outcome {
        let missing: Vec<String> = ARTEFACTS
            .iter()
            .map(|(name, _)| self.artefact(name))
            .filter(|path| !path.is_file())
            .map(|path| path.display().to_string())
            .collect();
        if missing.is_empty() && count_files(&self.folder)? == ARTEFACTS.len() {
            return Ok(());
        }
        Err(Failure::new(format!(
            "the artefacts are not those of the list: {} are missing",
            missing.join(", ")
        )))
    }
}

fn count_files(folder: &Path) -> Outcome<usize> {
    Ok(fs::read_dir(folder).context(&format!("read the folder {}", folder.display()))?.count())
}
