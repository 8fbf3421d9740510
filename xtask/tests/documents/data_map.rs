//! `docs/data-map.md` has a place for every table: what is kept there, and for how long.

use super::page::{Page, repository};
use std::collections::BTreeSet;
use std::fs;

/// The tables that a dump of the schema makes.
fn tables(dump: &str) -> BTreeSet<String> {
    let statements = dump.lines().filter_map(|line| line.trim_start().strip_prefix("CREATE TABLE "));
    statements
        .map(|rest| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect())
        .collect()
}

#[test]
fn data_map_has_each_table() {
    let page = Page::read("docs/data-map.md").text;
    for file in ["origin/migrations/sqlite/0001_schema.sql", "origin/migrations/postgres/0001_schema.sql"] {
        let tables = tables(&fs::read_to_string(repository().join(file)).expect("can be read"));
        assert!(tables.len() > 20, "{file} has {} tables", tables.len());
        for table in tables {
            assert!(
                page.contains(&format!("`{table}`")),
                "docs/data-map.md does not say how long {table} is kept"
            );
        }
    }
}

#[test]
fn tables_are_read() {
    let read = tables("CREATE TABLE pais (\n  pai TEXT\n);\n-- CREATE TABLE no\nCREATE TABLE a_b(x);\n");
    assert_eq!(read.into_iter().collect::<Vec<_>>(), ["a_b", "pais"]);
}
