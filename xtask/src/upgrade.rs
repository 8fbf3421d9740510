//! `cargo xtask upgrade --from REF`: builds the origin of another release, and upgrades it to this tree's and back under
//! load. What is done to the two, and what must hold, is in tests/crash/upgrade.rs.

use std::fs;
use std::path::PathBuf;

use crate::child::{cargo_command, new_command, run_logged, wait_for_success};
use crate::failure::{Context, Failure, Outcome};
use crate::git::{ask_git, git_command};
use crate::postgres::Postgres;
use crate::{crash, paths, setup};

/// In the names of the tests, which also have the database.
const TESTS: &str = "is_upgraded_and_taken_back_under_load";

pub(crate) fn test_upgrade(from: &str) -> Outcome {
    setup::install_npm_packages()?;
    let previous = build_previous_origin(from)?;
    let origin = crash::build_origin()?;
    let postgres = Postgres::provide()?;
    let mut tests = cargo_command();
    tests.args(["test", "--locked", "--package", "onbill-tests", "--test", "crash", "--", TESTS]);
    tests.args(["--nocapture", "--test-threads=1"]);
    tests.env("ONBILL_ORIGIN", origin).env("ONBILL_PREVIOUS_ORIGIN", previous);
    postgres.set_database_url(&mut tests);
    if wait_for_success(&mut tests, || ())? { Ok(()) } else { Err(Failure::new("the upgrade failed")) }
}

/// Builds the origin of a commit from a copy of its files, unless that was done before.
fn build_previous_origin(reference: &str) -> Outcome<PathBuf> {
    let commit = find_commit(reference)?;
    let folder = paths::target_dir().join("upgrade");
    let program = folder.join(format!("onbill-origin-{commit}"));
    if program.is_file() {
        return Ok(program);
    }
    let (source, archive) = (folder.join("source"), folder.join("source.tar"));
    // There is none before the first build, and one of another commit may be left.
    let _ = fs::remove_dir_all(&source);
    fs::create_dir_all(&source).context(&format!("make {}", source.display()))?;
    let mut export = git_command();
    export.args(["archive", "--format=tar", "--output"]).arg(&archive).arg(&commit);
    run_logged(&format!("copying {reference}"), "upgrade-archive.log", &mut export)?;
    let mut unpack = new_command("tar");
    unpack.arg("-xf").arg(&archive).arg("-C").arg(&source);
    run_logged(&format!("unpacking {reference}"), "upgrade-unpack.log", &mut unpack)?;
    let target = folder.join("target");
    let mut build = cargo_command();
    build.current_dir(&source).env("CARGO_TARGET_DIR", &target);
    build.args(["build", "--locked", "--bin", "onbill-origin"]);
    run_logged(&format!("building the origin of {reference}"), "upgrade-build.log", &mut build)?;
    fs::copy(target.join("debug/onbill-origin"), &program)
        .context(&format!("copy the program to {}", program.display()))?;
    Ok(program)
}

/// The commit that a tag, a branch or a commit's own name stands for. A shallow clone has few of them.
fn find_commit(reference: &str) -> Outcome<String> {
    ask_git(&["rev-parse", "--verify", "--quiet", &format!("{reference}^{{commit}}")]).map_err(|_| {
        Failure::new(format!(
            "this clone has no {reference}. A tag is brought in by: git fetch --depth 1 origin tag {reference}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upgrade_tests_exist() {
        let file = paths::repository_root().join("tests/crash/upgrade.rs");
        let text = fs::read_to_string(file).expect("is readable");
        for database in ["sqlite", "postgres"] {
            assert!(text.contains(&format!("async fn {database}_{TESTS}()")), "{database}");
        }
    }
}
