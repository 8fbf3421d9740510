//! Runs tests/deploy/: writes the bundle of the edge, and says where it is. The tests themselves are in that folder.

use std::path::PathBuf;
use std::{env, fs};

use super::quiet::run_quietly;
use crate::edge::{self, Profile};
use crate::failure::{Context, Outcome};
use crate::paths;
use crate::setup::node_command;
use crate::system::{ports, silence_wrangler};

const TESTS: [&str; 3] =
    ["tests/deploy/bundle.test.mjs", "tests/deploy/commands.test.mjs", "tests/deploy/environments.test.mjs"];

pub(super) fn run_deployment_tests() -> Outcome {
    edge::build_if_changed(Profile::Release)?;
    let folder = paths::target_dir().join("test-deployment");
    // There may be none of an earlier run.
    let _ = fs::remove_dir_all(&folder);
    let bundle = folder.join("onbill-edge");
    edge::write_bundle(&bundle)?;
    let [local, staging] = ports::find_free_ports()?;
    let xtask = find_replaced(env::current_exe().context("find the program of xtask")?);
    let mut tests = node_command();
    // The files share the bundle. What the library of wrangler leaves open would keep them from ending.
    tests.args(["--test", "--test-concurrency=1", "--test-force-exit"]).args(TESTS);
    tests
        .env("ONBILL_BUNDLE", bundle)
        .env("ONBILL_PORTS", format!("{local},{staging}"))
        .env("ONBILL_XTASK", xtask);
    silence_wrangler(&mut tests);
    run_quietly("deployment", &mut tests)
}

/// The build of the tests builds this program again, for the tests of its package. Linux then gives the path of the
/// running one with a mark behind it, and the new one is at the path without.
fn find_replaced(program: PathBuf) -> PathBuf {
    match program.to_str().and_then(|path| path.strip_suffix(" (deleted)")) {
        Some(path) => PathBuf::from(path),
        None => program,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replaced_program_is_found_at_its_path() {
        for path in ["/target/debug/xtask", "/target/debug/xtask (deleted)"] {
            assert_eq!(find_replaced(PathBuf::from(path)), PathBuf::from("/target/debug/xtask"));
        }
    }
}
