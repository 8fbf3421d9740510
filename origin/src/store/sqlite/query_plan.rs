//! For tests: what SQLite does to find the rows of a statement.

use super::migrations::migrate;
use crate::store::migration::MIGRATIONS;
use crate::store::open_mode::OpenMode;
use rusqlite::Connection;

/// The steps of the statement's plan in an empty database of the newest schema.
pub(in crate::store) fn query_plan(sql: &str) -> Vec<String> {
    let mut connection = Connection::open_in_memory().expect("opens");
    migrate(&mut connection, OpenMode::Create, &[], &MIGRATIONS).expect("migrates");
    let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("is SQL");
    let mut steps = explain.raw_query();
    let mut plan = Vec::new();
    while let Some(step) = steps.next().expect("explains") {
        plan.push(step.get("detail").expect("is text"));
    }
    plan
}
