//! Migrations: numbered files that are only ever added, each with its counterpart for SQLite.
//! `schema_version` is the number of the last one that was applied; its only row is the lock by
//! which two origins that start together take turns.

use super::connection::PgConnection;
use super::tx_error::TxError;
use crate::store::error::missing_row;
use crate::store::open_mode::OpenMode;
use crate::store::schema::SchemaVersion;

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/postgres/0001_schema.sql")];

/// How far the schema is; 0 where there is no ledger.
pub(super) async fn read_schema_version(tx: &PgConnection<'_>) -> Result<SchemaVersion, TxError> {
    let known = MIGRATIONS.len();
    if tx.query_optional("SELECT 1 WHERE to_regclass('schema_version') IS NULL", &[]).await?.is_some() {
        return Ok(SchemaVersion { applied: 0, known });
    }
    let row = tx.query_optional("SELECT version FROM schema_version", &[]).await?;
    let applied: i64 = row.ok_or_else(|| missing_row("schema_version"))?.try_get("version")?;
    Ok(SchemaVersion { applied: usize::try_from(applied).unwrap_or(usize::MAX), known })
}

/// Applies what is missing, as far as the mode allows it.
pub(in crate::store) async fn migrate(tx: &PgConnection<'_>, mode: OpenMode) -> Result<(), TxError> {
    // Building an index on a large table may take long.
    tx.batch_execute("SET LOCAL statement_timeout = 0").await?;
    // Checked first, because creating even an existing table needs a right that the origin may have
    // lost since.
    if tx.query_optional("SELECT 1 WHERE to_regclass('schema_version') IS NULL", &[]).await?.is_some() {
        mode.missing_migrations(0, MIGRATIONS.len())?;
        tx.batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_version (only_row BOOLEAN PRIMARY KEY CHECK (only_row), version BIGINT NOT NULL);
             INSERT INTO schema_version (only_row, version) VALUES (TRUE, 0) ON CONFLICT DO NOTHING",
        )
        .await?;
    }
    let lock = if mode == OpenMode::ReadOnly { "" } else { "FOR UPDATE" };
    let row = tx.query_optional(&format!("SELECT version FROM schema_version {lock}"), &[]).await?;
    let row = row.ok_or_else(|| missing_row("schema_version"))?;
    let applied: i64 = row.try_get("version")?;
    for n in mode.missing_migrations(usize::try_from(applied).unwrap_or(usize::MAX), MIGRATIONS.len())? {
        tx.batch_execute(MIGRATIONS[n]).await?;
        let number = i64::try_from(n + 1).unwrap_or(i64::MAX);
        tx.execute_one("schema_version", "UPDATE schema_version SET version = $1", &[&number]).await?;
    }
    Ok(())
}
