//! Migrations: numbered files that only ever get added, each with its twin for SQLite. `schema_version` tells how many
//! the database has had; its only row is the lock by which two origins that start together take turns.

use super::failure::Broken;
use super::statements::Db;
use crate::store::error::StoreError;

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/postgres/0001_schema.sql")];

/// Applies what is missing. Books of a newer onbill are refused.
pub(in crate::store) async fn migrate(tx: &Db<'_>) -> Result<(), Broken> {
    // An index on a large table takes its time.
    tx.script("SET LOCAL statement_timeout = 0").await?;
    // Asked first, because creating even what is there needs a right that the origin may have lost since.
    if tx.row("SELECT 1 WHERE to_regclass('schema_version') IS NULL", &[]).await?.is_some() {
        tx.script(
            "CREATE TABLE IF NOT EXISTS schema_version (only_row BOOLEAN PRIMARY KEY CHECK (only_row), version BIGINT NOT NULL);
             INSERT INTO schema_version (only_row, version) VALUES (TRUE, 0) ON CONFLICT DO NOTHING",
        )
        .await?;
    }
    let row = tx.row("SELECT version FROM schema_version FOR UPDATE", &[]).await?;
    let row = row.ok_or_else(|| StoreError::Failed("schema_version is empty".to_owned()))?;
    let applied: i64 = row.try_get("version")?;
    let known = MIGRATIONS.len();
    if usize::try_from(applied).is_ok_and(|applied| applied > known) {
        return Err(
            StoreError::Failed("the books were written by a newer onbill than this one".to_owned()).into()
        );
    }
    for (migration, number) in MIGRATIONS.iter().zip(1_i64..).filter(|(_, number)| *number > applied) {
        tx.script(migration).await?;
        tx.change_one("schema version", "UPDATE schema_version SET version = $1", &[&number]).await?;
    }
    Ok(())
}
