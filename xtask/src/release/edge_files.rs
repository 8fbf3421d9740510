//! The edge of a release, and the widget that it serves.

use std::fmt::Write as _;
use std::fs;

use super::archive;
use super::checksums::{hash_for_integrity, list_files};
use super::folders::{Release, copy_folder, make_folder};
use crate::edge::{self, Profile};
use crate::failure::{Context, Outcome};

pub(super) fn make_all(release: &Release) -> Outcome {
    edge::build_and_check_sizes(Profile::Release)?;
    pack_edge(release)?;
    pack_widget(release)
}

/// The folder that wrangler deploys without Rust: `cargo xtask edge --bundle`.
fn pack_edge(release: &Release) -> Outcome {
    let folder = release.staging.join(format!("onbill-edge-{}", release.label));
    edge::write_bundle(&folder)?;
    archive::pack_folder(release, &folder, "onbill-edge-VERSION.tar.gz")
}

/// What a reviewer compares: the sources, what is served of them, and the hashes of both.
fn pack_widget(release: &Release) -> Outcome {
    let folder = make_folder(release.staging.join(format!("onbill-widget-{}", release.label)))?;
    let mut hashes = String::new();
    for (name, profile) in [("sources", Profile::Dev), ("shipped", Profile::Release)] {
        let part = folder.join(name);
        copy_folder(&edge::shipped_dir(profile), &part)?;
        for path in list_files(&part)? {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            writeln!(hashes, "{}  {name}/{file}", hash_for_integrity(&path)?).context("format a line")?;
        }
    }
    let list = folder.join("HASHES");
    fs::write(&list, hashes).context(&format!("write {}", list.display()))?;
    archive::pack_folder(release, &folder, "onbill-widget-VERSION.tar.gz")
}
