//! The database of one test: a file of its own, or a schema of its own in the PostgreSQL database
//! that `DATABASE_URL` names. Both are removed when the test ends.

use crate::unique::unique_name;
use onbill_origin::config::PostgresAddress;
use onbill_origin::store::{LedgerFact, OpenMode, Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio_postgres::NoTls;

/// An empty database.
pub enum TestDb {
    Sqlite(PathBuf),
    Postgres {
        /// Names the server, the database and the schema.
        url: String,
        schema: String,
    },
}

impl TestDb {
    /// A file in a folder that exists.
    pub fn new_sqlite_file(folder: &Path) -> Self {
        Self::Sqlite(folder.join(format!("onbill-{}.sqlite", unique_name())))
    }

    /// # Panics
    ///
    /// When there is no server, with instructions.
    pub async fn new_postgres_schema() -> Self {
        let schema = format!("onbill_test_{}", unique_name());
        run_batch(&database_url(), &format!("CREATE SCHEMA {schema}")).await.expect("the schema can be made");
        Self::Postgres { url: with_search_path(&database_url(), &schema), schema }
    }

    /// Another empty database of the same kind.
    pub async fn new_beside(&self) -> Self {
        match self {
            Self::Sqlite(path) => Self::new_sqlite_file(path.parent().unwrap_or(path)),
            Self::Postgres { .. } => Self::new_postgres_schema().await,
        }
    }

    /// A copy of the database as it is now, in a file of its own.
    ///
    /// # Panics
    ///
    /// When the database is not a file, or cannot be copied.
    #[must_use]
    pub fn copy(&self) -> Self {
        let Self::Sqlite(path) = self else { panic!("only a file is copied") };
        let copy = Self::new_sqlite_file(path.parent().unwrap_or(path));
        let Self::Sqlite(to) = &copy else { unreachable!("is a file") };
        let from = rusqlite::Connection::open(path).expect("opens");
        from.execute("VACUUM INTO ?1", [to.to_string_lossy()]).expect("copies");
        copy
    }

    /// Changes the database without its store.
    ///
    /// # Panics
    ///
    /// When the statement fails.
    pub async fn run_sql(&self, sql: &str) {
        match self {
            Self::Sqlite(path) => {
                rusqlite::Connection::open(path).expect("opens").execute_batch(sql).expect("is SQL");
            }
            Self::Postgres { url, .. } => run_batch(url, sql).await.expect("is SQL"),
        }
    }

    /// Counts the rows of a table, or some of them (`table WHERE …`), without the store.
    ///
    /// # Panics
    ///
    /// When the query fails.
    pub async fn count_rows(&self, rows: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {rows}");
        match self {
            Self::Sqlite(path) => {
                let connection = rusqlite::Connection::open(path).expect("opens");
                connection.query_row(&sql, [], |row| row.get(0)).expect("is SQL")
            }
            Self::Postgres { url, .. } => {
                let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
                tokio::spawn(connection);
                client.query_one(&sql, &[]).await.expect("is SQL").get(0)
            }
        }
    }

    /// Opens the database as a starting origin does, with this many connections (for SQLite, those
    /// that read). A ledger begins if there is none, unless another program begins one meanwhile.
    pub async fn open_store(&self, connections: usize) -> Result<Arc<Store>, StoreError> {
        match self.open_as(OpenMode::Migrate, connections).await {
            Err(StoreError::NoLedger) => match self.open_as(OpenMode::Create, connections).await {
                Err(StoreError::LedgerExists) => self.open_as(OpenMode::Migrate, connections).await,
                opened => opened,
            },
            opened => opened,
        }
    }

    /// Opens the database in this mode, with this many connections.
    ///
    /// # Panics
    ///
    /// When `DATABASE_URL` is not a URL.
    pub async fn open_as(&self, mode: OpenMode, connections: usize) -> Result<Arc<Store>, StoreError> {
        self.open_with_facts(mode, connections, &[]).await
    }

    /// The same, if the ledger has these facts.
    ///
    /// # Panics
    ///
    /// When `DATABASE_URL` is not a URL.
    pub async fn open_with_facts(
        &self,
        mode: OpenMode,
        connections: usize,
        facts: &[LedgerFact],
    ) -> Result<Arc<Store>, StoreError> {
        let store = match self {
            Self::Sqlite(path) => Store::open_sqlite(path, connections, mode, facts)?,
            Self::Postgres { url, .. } => {
                let address = PostgresAddress::parse(url).expect("DATABASE_URL is well formed");
                Store::open_postgres(&address, connections, mode, facts).await?
            }
        };
        Ok(Arc::new(store))
    }
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match self {
            Self::Sqlite(path) => {
                for ending in ["", "-wal", "-shm"] {
                    // The last two exist only while a connection is open.
                    let _ = std::fs::remove_file(format!("{}{ending}", path.display()));
                }
            }
            Self::Postgres { schema, .. } => {
                // A failing test may leave a transaction open, which is not worth waiting for.
                let sql = format!("SET lock_timeout = '1s'; DROP SCHEMA {schema} CASCADE");
                let cleaner = std::thread::spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    let _ = runtime.expect("starts").block_on(run_batch(&database_url(), &sql));
                });
                let _ = cleaner.join();
            }
        }
    }
}

/// Runs statements over a connection of their own.
pub async fn run_batch(url: &str, sql: &str) -> Result<(), tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client.batch_execute(sql).await
}

/// The server that the tests may use.
///
/// # Panics
///
/// When there is none, with instructions.
#[expect(clippy::disallowed_methods, reason = "the one thing that a test cannot be handed in")]
pub fn database_url() -> String {
    std::env::var("DATABASE_URL").expect(
        "DATABASE_URL is not set. `cargo xtask test` starts a PostgreSQL of its own for the tests; `cargo xtask postgres \
         -- cargo test` does it for any command; or set DATABASE_URL to a database in which the tests may make schemas",
    )
}

/// The URL of one schema of a database.
pub fn with_search_path(url: &str, schema: &str) -> String {
    let mark = if url.contains('?') { '&' } else { '?' };
    format!("{url}{mark}options=-c%20search_path%3D{schema}")
}
