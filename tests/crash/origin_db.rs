//! The database of one origin, read without the origin: with the tests' own statements, over their
//! own connection.

use onbill_origin::config::PostgresAddress;
use onbill_origin::store::{Migration, OpenMode, Store, StoreError};
use onbill_test_harness::environment::read_variable;
use onbill_test_harness::unique_name;
use onbill_test_harness::wait::wait_until_none;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use tokio_postgres::{NoTls, SimpleQueryMessage};

/// The location of the database.
pub(crate) enum OriginDb {
    /// The path of the file.
    Sqlite(PathBuf),
    /// A schema of its own; the server lists the origin's connections under the same name.
    Postgres { server: String, schema: String },
}

/// A charge in the ledger.
pub(crate) struct LedgerCharge {
    pub(crate) ext_transaction_id: String,
    pub(crate) transaction_id: String,
    pub(crate) pai: String,
    pub(crate) value: i64,
    pub(crate) status: String,
}

/// A refund in the ledger.
pub(crate) struct LedgerRefund {
    pub(crate) ext_refund_id: String,
    pub(crate) id: String,
    pub(crate) transaction_id: String,
    pub(crate) value: i64,
    pub(crate) status: String,
}

impl OriginDb {
    pub(crate) fn in_file(folder: &Path) -> Self {
        Self::Sqlite(folder.join("acme.sqlite"))
    }

    pub(crate) async fn in_schema() -> Self {
        Self::in_schema_at(server_of_tests()).await
    }

    /// In a schema of its own on another server than that of the environment.
    pub(crate) async fn in_schema_at(server: String) -> Self {
        let schema = format!("onbill_crash_{}", unique_name());
        ask_server(&server, &format!("CREATE SCHEMA {schema}")).await.expect("the schema can be made");
        Self::Postgres { server, schema }
    }

    /// The path of the file.
    pub(crate) fn path(&self) -> &Path {
        let Self::Sqlite(path) = self else { panic!("is no file") };
        path
    }

    /// In a database of its own: a pooler refuses the settings of a session by which the others
    /// find their schema.
    pub(crate) async fn in_database() -> Self {
        let server = server_of_tests();
        let database = format!("onbill_crash_{}", unique_name());
        ask_server(&server, &format!("CREATE DATABASE {database}")).await.expect("can be made");
        let (rest, _) = server.rsplit_once('/').expect("ends with the name of a database");
        Self::Postgres { server: format!("{rest}/{database}"), schema: "public".to_owned() }
    }

    /// As in the origin's configuration.
    pub(crate) fn config_address(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres { server, .. } => self.address_at(server),
        }
    }

    /// The same database behind another address, as a proxy's.
    pub(crate) fn address_at(&self, server: &str) -> String {
        let Self::Postgres { schema, .. } = self else { panic!("a file has no server") };
        let mark = if server.contains('?') { '&' } else { '?' };
        format!("{server}{mark}options=-c%20search_path%3D{schema}&application_name={schema}")
    }

    /// How many rows there are, as in `pais WHERE state = 'CLOSED'`.
    pub(crate) async fn count_of(&self, rows: &str) -> u64 {
        let counted = self.query_rows(&format!("SELECT CAST(count(*) AS TEXT) FROM {rows}")).await;
        counted[0][0].parse().expect("is a number")
    }

    /// The charges that were posted here, and none that another system has posted.
    pub(crate) async fn read_charges(&self) -> Vec<LedgerCharge> {
        let rows = self
            .query_rows("SELECT ext_transaction_id, transaction_id, pai, CAST(amount_minor AS TEXT), status FROM transactions WHERE migration_file IS NULL")
            .await;
        let charge = |row: Vec<String>| {
            let [ext_transaction_id, transaction_id, pai, value, status] =
                row.try_into().expect("has five columns");
            let value = value.parse().expect("is a number");
            LedgerCharge { ext_transaction_id, transaction_id, pai, value, status }
        };
        rows.into_iter().map(charge).collect()
    }

    pub(crate) async fn read_refunds(&self) -> Vec<LedgerRefund> {
        let rows = self
            .query_rows("SELECT ext_refund_id, refund_id, transaction_id, CAST(amount_minor AS TEXT), status FROM refunds")
            .await;
        let refund = |row: Vec<String>| {
            let [ext_refund_id, id, transaction_id, value, status] =
                row.try_into().expect("has five columns");
            let value = value.parse().expect("is a number");
            LedgerRefund { ext_refund_id, id, transaction_id, value, status }
        };
        rows.into_iter().map(refund).collect()
    }

    /// Opens it as an onbill with these migrations does, which applies what is missing.
    pub(crate) async fn migrate(&self, migrations: &[Migration]) -> Result<(), StoreError> {
        let store = match self {
            Self::Sqlite(path) => Store::open_sqlite_with(path, 1, OpenMode::Migrate, &[], migrations)?,
            Self::Postgres { .. } => {
                let address = PostgresAddress::parse(&self.config_address()).expect("is well formed");
                Store::open_postgres_with(&address, 1, OpenMode::Migrate, &[], migrations).await?
            }
        };
        drop(store);
        Ok(())
    }

    /// Says that this version of onbill has applied the last migration.
    pub(crate) async fn name_migrating_onbill(&self, version: &str) {
        let newest = "(SELECT max(number) FROM migrations)";
        self.query_rows(&format!("UPDATE migrations SET onbill = '{version}' WHERE number = {newest}")).await;
    }

    /// The names of all tables.
    pub(crate) async fn list_tables(&self) -> Vec<String> {
        let sql = match self {
            Self::Sqlite(_) => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
            }
            Self::Postgres { .. } => {
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema ORDER BY tablename"
            }
        };
        self.query_rows(sql).await.concat()
    }

    /// Puts a copy in the place of the file, for an origin that is down.
    pub(crate) fn put_back(&self, copy: &Path) {
        let Self::Sqlite(path) = self else { panic!("only a file is put back") };
        for ending in ["-wal", "-shm"] {
            let mut log = path.clone().into_os_string();
            log.push(ending);
            // Only an origin that was killed leaves them.
            let _ = std::fs::remove_file(log);
        }
        std::fs::copy(copy, path).expect("the folder can be written");
    }

    /// The ids of all coupons.
    pub(crate) async fn read_coupon_ids(&self) -> Vec<String> {
        self.query_rows("SELECT ext_coupon_id FROM coupons").await.concat()
    }

    /// The number of jobs in the outbox, and how many of them are dead letters.
    pub(crate) async fn count_jobs(&self) -> (u64, u64) {
        let rows = self
            .query_rows("SELECT CAST(count(*) AS TEXT), CAST(count(dead_lettered_at) AS TEXT) FROM outbox")
            .await;
        let count = |n: usize| rows[0][n].parse().expect("is a number");
        (count(0), count(1))
    }

    /// Lets time pass for an origin that is down: its leases, responses in progress and postponed
    /// jobs become due.
    ///
    /// A process takes the time from the machine, and up to a day is too long to wait. Moving the
    /// stored times has the same effect as a clock that advances, for they are only compared with
    /// the present.
    pub(crate) async fn let_time_pass(&self) {
        self.until_let_go().await;
        for sql in [
            "UPDATE outbox SET due_at = 0 WHERE dead_lettered_at IS NULL",
            "UPDATE transactions SET responding_until = 0",
            "UPDATE refunds SET responding_until = 0",
        ] {
            self.query_rows(sql).await;
        }
    }

    /// As after a load that was killed, and whose file is gone, before those that were loaded. In SQLite.
    pub(crate) async fn leave_load_unfinished(&self, name: &str) {
        let sql = format!(
            "INSERT INTO migration_files (file_id, sha256, kind, name, lines, refused, state, loaded_through, begun_at)
             VALUES (0, zeroblob(32), 'pais', '{name}', 1, 0, 'LOADING', 0, 0)"
        );
        self.query_rows(&sql).await;
    }

    /// Takes the jobs for the edge out of the outbox, which has none here to take them.
    pub(crate) async fn remove_edge_jobs(&self) {
        self.query_rows("DELETE FROM outbox WHERE kind = 'pai-mapping'").await;
    }

    /// Makes every job in the outbox a dead letter.
    pub(crate) async fn make_dead_letters(&self) {
        self.query_rows("UPDATE outbox SET dead_lettered_at = 0").await;
    }

    /// Waits for what the server still does for a crashed origin, such as a commit that was sent.
    async fn until_let_go(&self) {
        wait_until_none(async || {
            let left = self.list_connections().await.len();
            (left > 0).then(|| format!("{left} connections of a dead origin"))
        })
        .await;
    }

    /// The server's processes behind the origin's connections. None for a file.
    pub(crate) async fn list_connections(&self) -> Vec<String> {
        let Self::Postgres { schema, .. } = self else { return Vec::new() };
        let sql = format!("SELECT pid FROM pg_stat_activity WHERE application_name = '{schema}'");
        self.query_rows(&sql).await.into_iter().flatten().collect()
    }

    /// Cuts all of the origin's connections, whatever they are doing, and returns how many.
    pub(crate) async fn cut_connections(&self) -> usize {
        let Self::Postgres { schema, .. } = self else { panic!("a file has no connections") };
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{schema}'"
        );
        self.query_rows(&sql).await.len()
    }

    /// Whether the server responds, and no longer lists this process: a killed process disappears
    /// when the server has recovered.
    pub(crate) async fn has_recovered_from(&self, process: &str) -> bool {
        let Self::Postgres { server, .. } = self else { panic!("a file has no processes") };
        let sql = format!("SELECT 1 FROM pg_stat_activity WHERE pid = {process}");
        ask_server(server, &sql).await.is_ok_and(|rows| rows.is_empty())
    }

    /// Runs one statement and returns its rows as text.
    async fn query_rows(&self, sql: &str) -> Vec<Vec<String>> {
        match self {
            Self::Sqlite(path) => {
                let db = Connection::open(path).expect("the file opens");
                let mut statement = db.prepare(sql).expect("is SQL");
                let columns = statement.column_count();
                let rows = statement.query_map([], |row| (0..columns).map(|n| row.get(n)).collect());
                rows.expect("runs").collect::<Result<_, _>>().expect("is text")
            }
            Self::Postgres { server, schema } => {
                let sql = format!("SET search_path = {schema}; {sql}");
                ask_server(server, &sql).await.expect("the server answers")
            }
        }
    }
}

impl Drop for OriginDb {
    fn drop(&mut self) {
        let Self::Postgres { server, schema } = self else { return };
        // A failing test may leave a transaction open, which is not worth waiting for.
        let sql = format!("SET lock_timeout = '1s'; DROP SCHEMA {schema} CASCADE");
        let _ = std::thread::scope(|scope| {
            let clean = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                runtime.expect("starts").block_on(ask_server(server, &sql)).is_ok()
            };
            scope.spawn(clean).join()
        });
    }
}

fn server_of_tests() -> String {
    read_variable("DATABASE_URL").expect(
            "DATABASE_URL is not set. `cargo xtask test` and `cargo xtask crash` start a PostgreSQL of their own; `cargo \
             xtask postgres -- cargo test` does it for any command; or set DATABASE_URL to a database in which the tests \
             may make schemas",
        )
}

/// Runs statements over a connection of their own; returns the rows of all of them, as text.
pub(crate) async fn ask_server(server: &str, sql: &str) -> Result<Vec<Vec<String>>, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await?;
    tokio::spawn(connection);
    let messages = client.simple_query(sql).await?;
    let rows = messages.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => {
            Some((0..row.len()).map(|n| row.get(n).unwrap_or_default().to_owned()).collect())
        }
        _ => None,
    });
    Ok(rows.collect())
}
