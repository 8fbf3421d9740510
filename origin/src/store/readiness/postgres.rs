//! The write in PostgreSQL. The number of the last migration is read without its lock.

use super::{KEPT_SECONDS, LIST_ORIGINS, OriginStatus};
use crate::build_info::version_line;
use crate::store::error::missing_row;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::migrations::check_schema;
use crate::store::postgres::rows::read_time;
use crate::store::postgres::tx_error::TxError;
use onbill_domain::timestamp::Timestamp;

pub(in crate::store) async fn write_origin(
    tx: &PgConnection<'_>,
    now: Timestamp,
    instance: &str,
    started_at: Timestamp,
) -> Result<usize, TxError> {
    tx.execute(
        "INSERT INTO origins (instance, version, started_at, seen_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (instance) DO UPDATE SET version = excluded.version, started_at = excluded.started_at,
             seen_at = excluded.seen_at",
        &[&instance, &version_line(), &started_at.unix_seconds(), &now.unix_seconds()],
    )
    .await?;
    let row = tx.query_optional("SELECT version FROM schema_version", &[]).await?;
    let version: i64 = row.ok_or_else(|| missing_row("schema_version"))?.try_get("version")?;
    let applied = usize::try_from(version).unwrap_or(0);
    check_schema(tx, applied).await?;
    Ok(applied)
}

pub(in crate::store) async fn forget_gone_origins(
    tx: &PgConnection<'_>,
    now: Timestamp,
) -> Result<(), TxError> {
    let since = now.plus_seconds(-KEPT_SECONDS).unix_seconds();
    tx.execute("DELETE FROM origins WHERE seen_at < $1", &[&since]).await?;
    Ok(())
}

pub(super) async fn list_origins(db: &PgConnection<'_>) -> Result<Vec<OriginStatus>, TxError> {
    let rows = db.query(LIST_ORIGINS, &[]).await?;
    let read = |row: &tokio_postgres::Row| {
        Ok(OriginStatus {
            instance: row.try_get("instance")?,
            version: row.try_get("version")?,
            started_at: read_time(row, "origins.started_at")?,
            seen_at: read_time(row, "origins.seen_at")?,
        })
    };
    rows.iter().map(read).collect()
}
