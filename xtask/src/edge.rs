//! `cargo xtask edge`: builds worker/ into worker/build/ and checks the result against its size limits. It is the build
//! command of wrangler.toml, so wrangler runs it before `dev` and `deploy`, and again whenever a source changes.

mod bundle;
mod copy;
mod packages;
mod profile;
mod public_files;
mod sizes;
mod stamp;
mod widget;
mod worker;

pub(crate) use bundle::write_bundle;
pub(crate) use copy::copy_edge;
pub(crate) use profile::Profile;
pub(crate) use public_files::PUBLIC;
pub(crate) use widget::shipped_dir;
pub(crate) use worker::Worker;

use std::env;
use std::path::PathBuf;

use crate::failure::Outcome;
use crate::lock::Lock;
use crate::paths;

/// What wrangler serves and deploys, beside the public files.
pub(crate) const OUTPUTS: [&str; 2] = ["worker/build/index.js", "worker/build/index_bg.wasm"];

/// Whether `wrangler dev` runs this as its build command: wrangler says so in a variable.
pub(crate) fn is_for_wrangler_dev() -> bool {
    env::var_os("WRANGLER_COMMAND").is_some_and(|command| command == "dev")
}

/// Builds if anything changed since the last build, then prints and checks the sizes.
pub(crate) fn build_and_check_sizes(profile: Profile) -> Outcome {
    build_if_changed(profile)?;
    sizes::print_and_check_sizes(profile)
}

pub(crate) fn build_if_changed(profile: Profile) -> Outcome {
    // The local system's wrangler also builds, whenever a source changes.
    let _lock = Lock::acquire("edge")?;
    let outputs: Vec<PathBuf> = OUTPUTS.iter().map(|file| paths::repository_root().join(file)).collect();
    let fingerprint = stamp::compute_fingerprint(paths::repository_root(), profile.cargo_profile())?;
    let build_dir = paths::repository_root().join("worker/build");
    if stamp::is_current(&fingerprint, &outputs) && public_files::has_public_files(&build_dir) {
        return Ok(());
    }
    stamp::remove_stamp();
    if profile == Profile::Release {
        widget::minify_widget()?;
    }
    public_files::write_public_files(&build_dir)?;
    Worker { package: "onbill-edge", title: "the edge", build_dir }.build(profile)?;
    stamp::write_stamp(&fingerprint)
}
