//! The schema that the migrations make, against its checked-in dump, and one database against the
//! other.
//!
//! `origin/migrations/schema.sqlite.sql` and `schema.postgres.sql` show the tables as they are
//! after all migrations. A migration that changes them changes these files as well: the failing
//! test says how.

use crate::test_store::TestStore;
use onbill_test_harness::database::TestDb;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

on_each_database!(schema_dump_equals_the_migrated_database);

/// Tables that only PostgreSQL needs: the lock of a number, and the number of the last migration.
const POSTGRES_ONLY: [&str; 2] = ["number_locks", "schema_version"];

/// One row for each piece of a table: its columns in order, its constraints, its indexes.
const POSTGRES_SCHEMA: &str = "SELECT of_table, part, line FROM (
    SELECT c.relname::text AS of_table, 1 AS part, a.attnum::int AS place,
        a.attname || ' ' || upper(format_type(a.atttypid, a.atttypmod))
            || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
            || CASE a.attidentity WHEN 'a' THEN ' GENERATED ALWAYS AS IDENTITY' ELSE '' END
            || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '') AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = current_schema::regnamespace AND c.relkind = 'r'
        AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL SELECT conrelid::regclass::text, 2, strpos('pufc', contype::text),
        pg_get_constraintdef(oid, true)
    FROM pg_constraint
    WHERE connamespace = current_schema::regnamespace AND contype IN ('p', 'u', 'f', 'c')
    UNION ALL SELECT i.indrelid::regclass::text, 3, 0, pg_get_indexdef(i.indexrelid, 0, true)
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relnamespace = current_schema::regnamespace
        AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
    ) AS pieces ORDER BY of_table COLLATE \"C\", part, place, line COLLATE \"C\"";

const SQLITE_SCHEMA: &str = "
    SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
    ORDER BY tbl_name, type = 'index', name";

async fn schema_dump_equals_the_migrated_database(db: TestStore) {
    let (name, dump) = match &db.place {
        TestDb::Sqlite(path) => ("schema.sqlite.sql", dump_sqlite(path)),
        TestDb::Postgres { url, .. } => ("schema.postgres.sql", dump_postgres(url).await),
    };
    let checked_in = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../origin/migrations").join(name);
    if fs::read_to_string(&checked_in).ok().as_deref() != Some(&dump) {
        let actual = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&actual, dump).expect("can be written");
        let (actual, checked_in) = (actual.display(), checked_in.display());
        panic!(
            "the migrations make another schema than the dump shows; see and accept it with\n\
            diff {checked_in} {actual}; cp {actual} {checked_in}"
        );
    }
}

/// The statements as SQLite keeps them, without their comments.
fn dump_sqlite(path: &Path) -> String {
    let db = rusqlite::Connection::open(path).expect("opens");
    let mut select = db.prepare(SQLITE_SCHEMA).expect("is SQL");
    let statements = select.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    let mut dump = dump_header("sqlite_master, without comments");
    for statement in statements {
        let statement = statement.expect("reads");
        if statement.starts_with("CREATE TABLE") {
            dump.push('\n');
        }
        for line in statement.lines().filter(|line| !line.trim_start().starts_with("--")) {
            dump = dump + line + "\n";
        }
        dump.pop();
        dump.push_str(";\n");
    }
    dump
}

/// `CREATE` statements, made from the catalogs.
async fn dump_postgres(url: &str) -> String {
    let mut tables: BTreeMap<String, (Vec<String>, Vec<String>)> = BTreeMap::new();
    for row in query_postgres(url, POSTGRES_SCHEMA).await {
        let (table, part, line): (String, i32, String) =
            (row.get("of_table"), row.get("part"), row.get("line"));
        let (members, indexes) = tables.entry(table).or_default();
        if part == 3 { indexes.push(line) } else { members.push(format!("    {line}")) }
    }
    let mut dump = dump_header("the catalogs");
    for (table, (members, indexes)) in tables {
        dump = dump + "\nCREATE TABLE " + &table + " (\n" + &members.join(",\n") + "\n);\n";
        dump.extend(indexes.iter().map(|index| index.replace(" USING btree", "") + ";\n"));
    }
    dump
}

fn dump_header(source: &str) -> String {
    format!(
        "-- The schema after all migrations, from {source}. Written by tests/store/schema.rs, not by hand.\n"
    )
}

async fn query_postgres(url: &str, sql: &str) -> Vec<tokio_postgres::Row> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
    tokio::spawn(connection);
    client.query(sql, &[]).await.expect("is SQL")
}

#[tokio::test]
async fn columns_are_the_same_in_both_databases() {
    let (sqlite, postgres) = (TestStore::in_sqlite().await, TestStore::in_postgres().await);
    let mut columns: [BTreeSet<[String; 4]>; 2] = Default::default();
    if let TestDb::Sqlite(path) = &sqlite.place {
        let db = rusqlite::Connection::open(path).expect("opens");
        let sql = "SELECT t.name, c.name, c.type, iif(c.\"notnull\" OR c.pk, 'NO', 'YES')
            FROM sqlite_master t JOIN pragma_table_info(t.name) c
            WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'";
        let mut select = db.prepare(sql).expect("is SQL");
        let rows = select
            .query_map([], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?]))
            .expect("reads");
        columns[0] = rows.collect::<Result<_, _>>().expect("reads");
    }
    if let TestDb::Postgres { url, .. } = &postgres.place {
        let sql = "SELECT table_name::text, column_name::text, is_nullable::text, CASE data_type
                WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' ELSE upper(data_type) END
            FROM information_schema.columns WHERE table_schema = current_schema";
        let rows = query_postgres(url, sql).await;
        columns[1] = rows.iter().map(|row| [row.get(0), row.get(1), row.get(3), row.get(2)]).collect();
    }
    let [sqlite, mut postgres] = columns;
    postgres.retain(|[table, ..]| !POSTGRES_ONLY.contains(&table.as_str()));
    assert!(sqlite.len() > 100, "{} columns", sqlite.len());
    assert_eq!(sqlite.symmetric_difference(&postgres).collect::<Vec<_>>(), Vec::<&[String; 4]>::new());
}
