//! Migrations: numbered files that are only ever added, each with its counterpart for SQLite.
//! `schema_version` is the number of the last one that was applied; its only row is the lock by
//! which two origins that start together take turns.

use super::connection::PgConnection;
use super::tx_error::TxError;
use crate::store::error::{StoreError, missing_row};

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/postgres/0001_schema.sql")];

/// Applies what is missing. The schema of a newer onbill is refused.
pub(in crate::store) async fn migrate(tx: &PgConnection<'_>) -> Result<(), TxError> {
    // Building an index on a large table may take long.
    tx.batch_execute("SET LOCAL statement_timeout = 0").await?;
    // Checked first, because creating even an existing table needs a right that the origin may have
    // lost since.
    if tx.query_optional("SELECT 1 WHERE to_regclass('schema_version') IS NULL", &[]).await?.is_some() {
        tx.batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_version (only_row BOOLEAN PRIMARY KEY CHECK (only_row), version BIGINT NOT NULL);
             INSERT INTO schema_version (only_row, version) VALUES (TRUE, 0) ON CONFLICT DO NOTHING",
        )
        .await?;
    }
    let row = tx.query_optional("SELECT version FROM schema_version FOR UPDATE", &[]).await?;
    let row = row.ok_or_else(|| missing_row("schema_version"))?;
    let applied: i64 = row.try_get("version")?;
    let known = MIGRATIONS.len();
    if usize::try_from(applied).is_ok_and(|applied| applied > known) {
        return Err(StoreError::NewerSchema.into());
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..).filter(|(_, number)| *number > applied) {
        tx.batch_execute(migration).await?;
        tx.execute_one("schema_version", "UPDATE schema_version SET version = $1", &[&number]).await?;
    }
    Ok(())
}
