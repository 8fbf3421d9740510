//! `cargo xtask crash`: the real origin under violence, for as long as wanted. What is done to it and what must be true
//! afterwards is in tests/crash/.

use std::path::PathBuf;

use crate::arguments::Database;
use crate::child::{cargo, run, wait};
use crate::failure::{Failure, Outcome};
use crate::postgres::Postgres;
use crate::{paths, setup};

/// Runs the suite on one database or on both. It says itself how far it is.
pub(crate) fn run_suite(cycles: Option<u32>, database: Option<Database>) -> Outcome {
    setup::npm_packages()?;
    let origin = build_origin()?;
    let mut tests = cargo();
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
        postgres.show_to(&mut tests);
    }
    if wait(&mut tests, || ())? { Ok(()) } else { Err(Failure::new("the origin did not survive")) }
}

/// Builds the program that is to be killed, and gives its path.
pub(crate) fn build_origin() -> Outcome<PathBuf> {
    let mut build = cargo();
    build.args(["build", "--locked", "--bin", "onbill-origin"]);
    run("building the origin", "build-origin.log", &mut build)?;
    Ok(paths::built("onbill-origin"))
}
