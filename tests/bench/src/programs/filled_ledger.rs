//! A SQLite ledger filled with copies of rows that the origin itself has written: a million charges in seconds. Only the
//! columns that have to differ are named here.
//!
//! The ids of the copies begin at random, as the origin's own do, so that the trees of the database have the shape that
//! charges give them.

use crate::measure::to_f64;
use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The copies are spread over this many seconds before the rows that they are of: 30 days.
pub(crate) const SPREAD_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Page cache while a ledger is filled, in KiB: rows at random places would else be written again and again.
const CACHE_KIB: i64 = 8 * 1024 * 1024;

/// The ledger of an origin that has stopped.
pub(crate) struct FilledLedger {
    connection: Connection,
    file: PathBuf,
    count: usize,
}

impl FilledLedger {
    /// Opens a ledger to add `count` copies of its rows. Until [`FilledLedger::finish`] it is not durable.
    pub(crate) fn open(file: &Path, count: usize) -> Result<Self> {
        let connection = Connection::open(file).context("open the ledger")?;
        connection.execute_batch(&format!(
            "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA foreign_keys = OFF;
             PRAGMA temp_store = MEMORY; PRAGMA cache_size = -{CACHE_KIB};
             CREATE TEMP TABLE copies AS
             WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})
             SELECT n, lower(hex(randomblob(4))) || '-0000-4000-8000-' || printf('%012x', n) AS id
             FROM numbers LIMIT {count}"
        ))?;
        Ok(Self { connection, file: file.to_owned(), count })
    }

    /// Adds accounts, a subscriber with a PAI, a subscription and its mandate for each, and a charge of last month for
    /// each. Gives what a charge takes of the ledger, in bytes.
    pub(crate) fn add_charges(&self) -> Result<f64> {
        self.copy_rows("accounts", "TRUE", &[("number_index", "randomblob(32)")])?;
        let subscriber =
            [("subscriber_id", "copies.id"), ("handle", "copies.id"), ("number_index", "randomblob(32)")];
        self.copy_rows("subscribers", "TRUE", &subscriber)?;
        self.copy_rows("pais", "TRUE", &[("pai", "copies.id"), ("subscriber_id", "copies.id")])?;
        self.copy_rows("spending", "TRUE", &[("subscriber_id", "copies.id")])?;
        let subscription = [
            ("partner_subscription_id", "copies.id"),
            ("ext_subscription_id", "'filled-' || copies.id"),
            ("pai", "copies.id"),
        ];
        self.copy_rows("partner_subscriptions", "status = 'ACTIVE'", &subscription)?;
        let mandate = [
            ("sequence", "NULL"),
            ("mandate_id", "copies.id"),
            ("pai", "copies.id"),
            ("partner_subscription_id", "copies.id"),
            ("supersedes", "NULL"),
        ];
        self.copy_rows("mandates", "partner_subscription_id IS NOT NULL AND change_id IS NULL", &mandate)?;
        let before = self.bytes()?;
        let earlier = |column| format!("pattern.{column} - copies.n % {SPREAD_SECONDS}");
        let (created_at, settled_at) = (earlier("created_at"), earlier("settled_at"));
        self.copy_rows(
            "transactions",
            "status = 'APPROVED'",
            &[
                ("transaction_id", "copies.id"),
                ("ext_transaction_id", "'filled-' || copies.id"),
                ("pai", "copies.id"),
                ("mandate_id", "copies.id"),
                ("created_at", &created_at),
                ("settled_at", &settled_at),
            ],
        )?;
        Ok((self.bytes()? - before) / to_f64(self.count as u64))
    }

    /// Adds charges that wait for billing, of the PAIs that have one that waits. All are due at once, for their second
    /// attempt.
    pub(crate) fn add_waiting_charges(&self) -> Result<()> {
        let charge = [("transaction_id", "copies.id"), ("ext_transaction_id", "'filled-' || copies.id")];
        self.copy_rows("transactions", "status = 'PENDING'", &charge)?;
        let job = [("job_id", "NULL"), ("transaction_id", "copies.id"), ("attempts", "1")];
        self.copy_rows("outbox", "kind = 'charge'", &job)?;
        self.connection.execute("UPDATE outbox SET due_at = 0 WHERE kind = 'charge'", [])?;
        Ok(())
    }

    fn bytes(&self) -> Result<f64> {
        let sql = "SELECT CAST(page_count * page_size AS REAL) FROM pragma_page_count, pragma_page_size";
        Ok(self.connection.query_row(sql, [], |row| row.get(0))?)
    }

    /// Adds a copy of the rows of a table that meet the condition, one after the other, for each id, with these columns
    /// changed.
    fn copy_rows(&self, table: &str, condition: &str, changed: &[(&str, &str)]) -> Result<()> {
        let mut select = self.connection.prepare("SELECT name FROM pragma_table_info(?1)")?;
        let columns: Vec<String> = select.query_map([table], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let known = changed.iter().filter(|(name, _)| columns.iter().any(|column| column == name)).count();
        ensure!(known == changed.len(), "{table} has other columns than those that are changed");
        let value = |column: &String| {
            let value = changed.iter().find(|(name, _)| name == column);
            value.map_or_else(|| format!("pattern.{column}"), |(_, value)| (*value).to_owned())
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        self.connection
            .execute_batch(&format!(
                "CREATE TEMP TABLE pattern AS SELECT * FROM main.{table} WHERE {condition};
                 INSERT INTO main.{table} ({}) SELECT {} FROM temp.copies AS copies
                     CROSS JOIN temp.pattern AS pattern
                     ON pattern.rowid = copies.n % (SELECT count(*) FROM temp.pattern) + 1;
                 DROP TABLE temp.pattern",
                columns.join(", "),
                values.join(", ")
            ))
            .with_context(|| format!("fill {table}"))
    }

    /// Leaves the ledger as an origin expects it, and on the disk: what is written later does not wait for it.
    pub(crate) fn finish(self) -> Result<()> {
        self.connection.execute_batch("PRAGMA journal_mode = WAL")?;
        self.connection.close().map_err(|(_, error)| error)?;
        File::open(&self.file)?.sync_all().context("write the ledger to the disk")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_rows_differ_in_the_named_columns() {
        let file = std::env::temp_dir().join(format!("onbill-filled-{}.sqlite", std::process::id()));
        let ledger = Connection::open(&file).expect("opens");
        ledger
            .execute_batch(
                "CREATE TABLE things (id TEXT PRIMARY KEY, color TEXT NOT NULL, at INTEGER) STRICT, WITHOUT ROWID;
                 INSERT INTO things VALUES ('a', 'red', 100), ('b', 'blue', 200), ('c', 'odd', 300)",
            )
            .expect("is SQL");
        drop(ledger);
        let filled = FilledLedger::open(&file, 10).expect("opens");
        let earlier = [("id", "copies.id"), ("at", "pattern.at - copies.n")];
        filled.copy_rows("things", "color <> 'odd'", &earlier).expect("fills");
        assert!(filled.copy_rows("things", "TRUE", &[("weight", "1")]).is_err(), "there is no such column");
        filled.finish().expect("closes");
        let counted = Connection::open(&file).and_then(|ledger| {
            let sql = "SELECT count(*), sum(color = 'red' AND at < 100), sum(color = 'blue' AND at < 200) FROM things";
            ledger.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        });
        std::fs::remove_file(&file).expect("is there");
        assert_eq!(counted, Ok((13, 5, 5)));
    }
}
