//! Runs tests/deploy/: writes the bundle of the edge, and says where it is. The tests themselves are in that folder.

use std::{fs, process};

use super::quiet::run_quietly;
use crate::edge::{self, Profile};
use crate::failure::Outcome;
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
    // The running program, also when the build of the tests has put another one at its path.
    let xtask = format!("/proc/{}/exe", process::id());
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
