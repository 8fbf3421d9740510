//! Applies the migrations. `schema_version` has the number of the last one, and its only row is the
//! lock by which two origins that start together take turns. The table `migrations` says of each
//! which origins may serve on it.

use super::connection::PgConnection;
use super::pool::Pool;
use super::transaction::in_transaction;
use super::tx_error::TxError;
use crate::build_info;
use crate::store::error::{StoreError, missing_row};
use crate::store::ledger_identity::{LedgerFact, postgres as ledger_identity};
use crate::store::migration::{MIGRATIONS, Migration, NewerMigration, check_served};
use crate::store::open_mode::OpenMode;
use crate::store::schema_version::SchemaVersion;
use std::time::Duration;
use tokio_postgres::error::SqlState;

/// How long a migration waits for a table that other origins use. What comes after it waits behind
/// it, so this is far less than the half second after which a call that shares a transaction fails.
const TABLE_PATIENCE: &str = "200ms";
/// Between two attempts: the other origins continue meanwhile.
const PAUSE: Duration = Duration::from_millis(300);
/// Half a minute: transactions end within ten seconds, so a table that stays locked has another
/// reason, which the operator has to remove.
const ATTEMPTS_MAX: u32 = 60;

/// How far the schema is; 0 where there is no ledger. A ledger with other facts is an error.
pub(super) async fn read_schema_version(
    tx: &PgConnection<'_>,
    facts: &[LedgerFact],
) -> Result<SchemaVersion, TxError> {
    let known = MIGRATIONS.len();
    if !has_schema_version(tx).await? {
        return Ok(SchemaVersion { applied: 0, known, may_serve: false });
    }
    let applied = read_version(tx).await?;
    let may_serve = check_served(applied, known, &list_newer(tx, applied, known).await?).is_ok();
    let schema = SchemaVersion { applied, known, may_serve };
    if schema.is_readable() {
        ledger_identity::check_ledger_identity(tx, facts).await?;
    }
    Ok(schema)
}

/// Applies what is missing, all of it in one transaction, as far as the mode allows it. Other origins
/// may serve meanwhile: when a table is in use, everything is rolled back and tried again.
pub(super) async fn migrate(
    pool: &Pool,
    mode: OpenMode,
    facts: &[LedgerFact],
    migrations: &[Migration],
) -> Result<(), StoreError> {
    let mut attempts = 1;
    loop {
        let migrated = in_transaction!(pool, |tx| { migrate_once(tx, mode, facts, migrations).await? });
        match migrated {
            Err(StoreError::Driver { code: Some(code), .. })
                if code == SqlState::LOCK_NOT_AVAILABLE.code() && attempts < ATTEMPTS_MAX =>
            {
                tracing::info!(attempts, "a table is in use, and the migration waits");
                attempts += 1;
                tokio::time::sleep(PAUSE).await;
            }
            migrated => return migrated,
        }
    }
}

async fn migrate_once(
    tx: &PgConnection<'_>,
    mode: OpenMode,
    facts: &[LedgerFact],
    migrations: &[Migration],
) -> Result<(), TxError> {
    // Building an index on a large table may take long.
    tx.batch_execute("SET LOCAL statement_timeout = 0").await?;
    let known = migrations.len();
    // Checked first, because creating even an existing table needs a right that the origin may have
    // lost since.
    if !has_schema_version(tx).await? {
        mode.missing_migrations(0, known)?;
        tx.batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_version (only_row BOOLEAN PRIMARY KEY CHECK (only_row), version BIGINT NOT NULL);
             INSERT INTO schema_version (only_row, version) VALUES (TRUE, 0) ON CONFLICT DO NOTHING",
        )
        .await?;
    }
    if mode != OpenMode::ReadOnly {
        // An origin that migrates has the row for as long as that takes, and this one waits so long.
        tx.batch_execute("SET LOCAL lock_timeout = 0; SELECT 1 FROM schema_version FOR UPDATE").await?;
    }
    let applied = read_version(tx).await?;
    let missing = mode.missing_migrations(applied, known)?;
    check_served(applied, known, &list_newer(tx, applied, known).await?)?;
    if mode != OpenMode::Create {
        ledger_identity::check_ledger_identity(tx, facts).await?;
    }
    if !missing.is_empty() {
        tx.batch_execute(&format!("SET LOCAL lock_timeout = '{TABLE_PATIENCE}'")).await?;
    }
    for n in missing {
        tx.batch_execute(&migrations[n].postgres).await?;
        let number = as_number(n + 1);
        tx.execute_one(
            "migrations",
            "INSERT INTO migrations (number, served_from, onbill) VALUES ($1, $2, $3)",
            &[&number, &as_number(migrations[n].served_from), &build_info::VERSION],
        )
        .await?;
        tx.execute_one("schema_version", "UPDATE schema_version SET version = $1", &[&number]).await?;
    }
    if mode == OpenMode::Create {
        ledger_identity::record_ledger_identity(tx, facts).await?;
    }
    Ok(())
}

/// Fails if this onbill may not serve on a schema of `applied` migrations.
pub(in crate::store) async fn check_schema(tx: &PgConnection<'_>, applied: usize) -> Result<(), TxError> {
    let known = MIGRATIONS.len();
    Ok(check_served(applied, known, &list_newer(tx, applied, known).await?)?)
}

async fn has_schema_version(tx: &PgConnection<'_>) -> Result<bool, TxError> {
    let missing = tx.query_optional("SELECT 1 WHERE to_regclass('schema_version') IS NULL", &[]).await?;
    Ok(missing.is_none())
}

async fn read_version(tx: &PgConnection<'_>) -> Result<usize, TxError> {
    let row = tx.query_optional("SELECT version FROM schema_version", &[]).await?;
    let version: i64 = row.ok_or_else(|| missing_row("schema_version"))?.try_get("version")?;
    Ok(as_count(version))
}

async fn list_newer(
    tx: &PgConnection<'_>,
    applied: usize,
    known: usize,
) -> Result<Vec<NewerMigration>, TxError> {
    if applied <= known {
        return Ok(Vec::new());
    }
    let sql = "SELECT served_from, onbill FROM migrations WHERE number > $1 ORDER BY number";
    let mut newer = Vec::new();
    for row in tx.query(sql, &[&as_number(known)]).await? {
        let served_from = as_count(row.try_get("served_from")?);
        newer.push(NewerMigration { served_from, onbill: row.try_get("onbill")? });
    }
    Ok(newer)
}

/// A negative number is no schema's: it counts as the largest, which no onbill can serve.
fn as_count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

fn as_number(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
