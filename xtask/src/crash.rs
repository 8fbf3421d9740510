//! `cargo xtask crash`: the real origin under violence, for as long as wanted. What is done to it and what must be true
//! afterwards is in tests/crash/.

use std::path::PathBuf;

use crate::arguments::Database;
use crate::child::{cargo_command, run_logged, wait_for_success};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::{paths, setup};

/// Runs the suite on one database or on both. It says itself how far it is.
pub(crate) fn run_crash_suite(cycles: Option<u32>, database: Option<Database>) -> Outcome {
    setup::install_npm_packages()?;
    let origin = build_origin()?;
    let mut tests = cargo_command();
    tests.args(["test", "--locked", "--package", "onbill-tests", "--test", "crash", "--"]);
    tests.args(["--nocapture", "--test-threads=1"]);
    tests.env("ONBILL_ORIGIN", origin);
    if let Some(cycles) = cycles {
        tests.env("ONBILL_CYCLES", cycles.to_string());
    }
    let needs_postgres = database != Some(Database::Sqlite);
    // Its tests have their database in their names.
    tests.args(database.map(|database| match database {
        Database::Sqlite => "sqlite",
        Database::Postgres => "postgres",
    }));
    let postgres = if needs_postgres { Some(Postgres::provide()?) } else { None };
    if let Some(postgres) = &postgres {
        postgres.set_database_url(&mut tests);
    }
    if wait_for_success(&mut tests, || ())? { Ok(()) } else { Err(Failure::new("the origin did not survive")) }
}

/// Builds the program that is to be killed, and gives its path.
pub(crate) fn build_origin() -> Outcome<PathBuf> {
    let mut build = cargo_command();
    build.args(["build", "--locked", "--bin", "onbill-origin"]);
    run_logged("building the origin", "build-origin.log", &mut build)?;
    Ok(paths::built_program("onbill-origin"))
}
