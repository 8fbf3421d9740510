//! `cargo xtask crash`: kills the real origin under load, as often as asked. What is done to it and what must hold
//! afterwards is in tests/crash/.

use std::path::PathBuf;

use crate::arguments::{CrashScope, Database};
use crate::child::{cargo_command, run_logged, wait_for_success};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::{paths, setup};

/// Runs the suite on one database or on both, or on a cluster. The suite prints its own progress.
pub(crate) fn run_crash_suite(cycles: Option<u32>, what: &CrashScope) -> Outcome {
    setup::install_npm_packages()?;
    let origin = build_origin()?;
    let mut tests = cargo_command();
    tests.args(["test", "--locked", "--package", "onbill-tests", "--test", "crash", "--"]);
    tests.args(["--nocapture", "--test-threads=1"]);
    tests.env("ONBILL_ORIGIN", origin);
    if let Some(cycles) = cycles {
        tests.env("ONBILL_CYCLES", cycles.to_string());
    }
    let needs_postgres = matches!(what, CrashScope::BothDatabases | CrashScope::One(Database::Postgres));
    // The names of its tests contain the database.
    tests.args(match what {
        CrashScope::BothDatabases => None,
        CrashScope::One(Database::Sqlite) => Some("sqlite"),
        CrashScope::One(Database::Postgres) => Some("postgres"),
        CrashScope::Cluster => Some("cluster_of_patroni"),
    });
    if *what == CrashScope::Cluster {
        tests.env("ONBILL_CLUSTER", "1");
    }
    let postgres = if needs_postgres { Some(Postgres::provide()?) } else { None };
    if let Some(postgres) = &postgres {
        postgres.set_database_url(&mut tests);
    }
    if wait_for_success(&mut tests, || ())? { Ok(()) } else { Err(Failure::new("the crash suite failed")) }
}

/// Builds the origin and returns the path of the program.
pub(crate) fn build_origin() -> Outcome<PathBuf> {
    let mut build = cargo_command();
    build.args(["build", "--locked", "--bin", "onbill-origin"]);
    run_logged("building the origin", "build-origin.log", &mut build)?;
    Ok(paths::built_program("onbill-origin"))
}
