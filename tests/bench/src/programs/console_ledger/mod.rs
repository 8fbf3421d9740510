//! A ledger of either database as the desks of an operator find it after ten months: charges of many subscribers with
//! refunds, disputes, coupons, messages, events, a queue with dead letters, counted days and kept reports.
//!
//! Rows of the tables that a sign-up and a charge write are copies of the origin's own, with other ids and times. The
//! others are written here as the origin writes them. The audit is not among them: its entries are a chain, which only
//! the origin can continue.

mod charges;
mod days;
mod dialect;
mod messages;

use crate::clock::now;
use crate::programs::database::Database;
use anyhow::{Context as _, Result, ensure};
use dialect::Dialect;
use rusqlite::Connection;
use std::path::Path;

/// The charges are spread over this many seconds until now: 300 days.
const SPREAD_SECONDS: i64 = 300 * 86_400;
/// Filled charges of each subscriber, on average: one a month.
const CHARGES_EACH: usize = 10;
/// Page cache while a SQLite ledger is filled, in KiB.
const CACHE_KIB: i64 = 4 * 1024 * 1024;

/// Which database is filled, by a connection of its own.
pub(crate) enum Target {
    Sqlite(Connection),
    Postgres(Database),
}

/// The ledger of an origin that has stopped, with a few payers in it.
pub(crate) struct ConsoleLedger {
    target: Target,
    dialect: Dialect,
    /// Charges that are added.
    charges: usize,
    /// Subscribers that are added.
    subscribers: usize,
    /// Those that the origin has signed up. They get as many charges as a page shows, and more.
    payers: usize,
    /// When the newest of them is posted.
    now: i64,
    /// What makes the indexes again that are dropped while a SQLite ledger is filled.
    indexes: Vec<String>,
}

impl ConsoleLedger {
    /// Until [`Self::finish`], a SQLite ledger is not durable, and its indexes are gone.
    pub(crate) async fn open(target: Target, charges: usize, payers: usize) -> Result<Self> {
        let dialect = Dialect { is_postgres: matches!(target, Target::Postgres(_)) };
        let subscribers = (charges / CHARGES_EACH).max(1);
        let now = now().unix_seconds();
        let mut ledger = Self { target, dialect, charges, subscribers, payers, now, indexes: Vec::new() };
        ledger.prepare().await?;
        Ok(ledger)
    }

    pub(crate) fn open_file(file: &Path) -> Result<Target> {
        Ok(Target::Sqlite(Connection::open(file).context("open the ledger")?))
    }

    /// Adds everything.
    pub(crate) async fn fill(&mut self) -> Result<()> {
        self.add_subscribers().await?;
        self.add_charges().await?;
        self.add_refunds_and_jobs().await?;
        self.add_messages().await?;
        self.add_days_and_reports().await
    }

    /// Indexes are made after the rows, which is several times as fast.
    async fn prepare(&mut self) -> Result<()> {
        match &mut self.target {
            Target::Sqlite(connection) => {
                connection.execute_batch(&format!(
                    "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
                     PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB}; BEGIN"
                ))?;
                let indexes: Vec<(String, String)> = {
                    let sql = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
                    let mut select = connection.prepare(sql)?;
                    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
                    let rows: rusqlite::Result<_> = rows.collect();
                    rows?
                };
                for (name, sql) in indexes {
                    connection.execute_batch(&format!("DROP INDEX {name}"))?;
                    self.indexes.push(sql);
                }
                Ok(())
            }
            Target::Postgres(database) => {
                database
                    .run(
                        "SET session_replication_role = replica; SET synchronous_commit = off;
                         SET maintenance_work_mem = '1GB'; SET work_mem = '256MB';
                         UPDATE pg_index SET indisready = FALSE WHERE indrelid IN
                             (SELECT c.oid FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace
                              AND c.relkind = 'r' AND c.relname NOT IN ('accounts', 'ledger_identity', 'migrations'))",
                    )
                    .await
            }
        }
    }

    /// Leaves the ledger as an origin expects it. On PostgreSQL nothing has been analysed then, and the server does not
    /// do it by itself.
    pub(crate) async fn finish(self) -> Result<Target> {
        match self.target {
            Target::Sqlite(connection) => {
                for sql in &self.indexes {
                    connection.execute_batch(sql)?;
                }
                connection.execute_batch("COMMIT; PRAGMA journal_mode = WAL; PRAGMA cache_size = -2000")?;
                Ok(Target::Sqlite(connection))
            }
            Target::Postgres(database) => {
                database
                    .run(
                        "DO $$ DECLARE name TEXT; BEGIN
                         FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
                             EXECUTE format('ALTER TABLE %I SET (autovacuum_enabled = off)', name);
                             EXECUTE format('REINDEX TABLE %I', name);
                         END LOOP; END $$;
                         SET session_replication_role = DEFAULT; CHECKPOINT",
                    )
                    .await?;
                Ok(Target::Postgres(database))
            }
        }
    }

    /// Runs statements without values.
    async fn run(&mut self, sql: &str) -> Result<()> {
        match &mut self.target {
            Target::Sqlite(connection) => tokio::task::block_in_place(|| connection.execute_batch(sql))
                .with_context(|| format!("run {sql}")),
            Target::Postgres(database) => database.run(sql).await,
        }
    }

    async fn list_columns(&mut self, table: &str) -> Result<Vec<String>> {
        match &mut self.target {
            Target::Sqlite(connection) => {
                let mut select = connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
                let columns: rusqlite::Result<Vec<String>> =
                    select.query_map([table], |row| row.get(0))?.collect();
                Ok(columns?)
            }
            Target::Postgres(database) => {
                let sql = "SELECT column_name::TEXT FROM information_schema.columns
                    WHERE table_schema = 'public' AND table_name = $1";
                database.read_texts(sql, table).await
            }
        }
    }

    /// Adds `count` copies of the rows of a table that meet the condition, one after the other, with these columns
    /// changed. A column that is `DEFAULT` is left to the database. An expression knows `copies.n`, from 1, and the
    /// copied row as `pattern`.
    async fn copy_rows(
        &mut self,
        table: &str,
        condition: &str,
        count: usize,
        changed: &[(&str, String)],
    ) -> Result<()> {
        let columns = self.list_columns(table).await?;
        let known = changed.iter().filter(|(name, _)| columns.iter().any(|column| column == name)).count();
        ensure!(known == changed.len(), "{table} has other columns than those that are changed");
        let mut names = Vec::new();
        let mut values = Vec::new();
        for column in &columns {
            let value = changed.iter().find(|(name, _)| name == column).map(|(_, value)| value.clone());
            match value.unwrap_or_else(|| format!("pattern.{column}")) {
                value if value == "DEFAULT" => {}
                value => {
                    names.push(column.clone());
                    values.push(value);
                }
            }
        }
        let (names, values) = (names.join(", "), values.join(", "));
        let numbers = self.dialect.numbers(count);
        self.run(&format!(
            "DROP TABLE IF EXISTS pattern;
             CREATE TEMPORARY TABLE pattern AS
                 SELECT *, row_number() OVER () - 1 AS pattern_at FROM {table} WHERE {condition};
             INSERT INTO {table} ({names}) SELECT {values} FROM {numbers}
                 CROSS JOIN pattern WHERE pattern.pattern_at = copies.n % (SELECT count(*) FROM pattern)"
        ))
        .await
    }
}
