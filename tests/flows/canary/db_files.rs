//! The search of the database as it lies on the disk: an SQLite file, or everything that a
//! PostgreSQL server keeps.

use onbill_test_harness::TestOperator;
use onbill_test_harness::database::{TestDb, run_batch};
use onbill_test_harness::spellings::Search;
use std::path::Path;

/// Searches the raw files of the database.
pub(crate) async fn search_ledger(operator: &TestOperator, search: &Search) {
    match &operator.db {
        TestDb::Sqlite(path) => {
            for ending in ["", "-wal"] {
                let bytes = std::fs::read(format!("{}{ending}", path.display())).expect("is there");
                assert!(!ending.is_empty() || !bytes.is_empty());
                search.assert_absent("the database", &bytes);
            }
        }
        TestDb::Postgres { url, schema } => search_server(url, schema, search).await,
    }
}

/// Searches all files of the server, its write-ahead log included, where they can be read; and
/// every value as a client reads it.
async fn search_server(url: &str, schema: &str, search: &Search) {
    // Writes out what is only in memory yet. A server that the tests do not own may refuse.
    let _ = run_batch(url, "CHECKPOINT").await;
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("connects");
    tokio::spawn(connection);
    let tables = client
        .query("SELECT table_name::TEXT FROM information_schema.tables WHERE table_schema = $1", &[&schema])
        .await
        .expect("reads");
    let mut values = 0;
    for table in &tables {
        let table: &str = table.get(0);
        for row in client.query(&format!("SELECT t::TEXT FROM {table} t"), &[]).await.expect("reads") {
            search.assert_absent(&format!("the table {table}"), row.get::<_, &str>(0).as_bytes());
            values += 1;
        }
    }
    assert!(values > 20, "there is data: {values} rows");
    let Ok(row) = client.query_one("SHOW data_directory", &[]).await else { return };
    let mut searched = 0;
    search_folder(Path::new(row.get::<_, &str>(0)), search, &mut searched);
    // The tests' own cluster is on this machine.
    assert!(searched > 0 || std::env::var_os("ONBILL_POSTGRES_MAY_DIE").is_none());
}

fn search_folder(folder: &Path, search: &Search, searched: &mut u32) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            search_folder(&path, search, searched);
        } else if let Ok(bytes) = std::fs::read(&path) {
            // Files of other tests come and go.
            search.assert_absent(&path.display().to_string(), &bytes);
            *searched += 1;
        }
    }
}
