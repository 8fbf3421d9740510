//! The write in PostgreSQL. It waits while another origin migrates the schema, and fails then.

use crate::store::error::missing_row;
use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::migrations::check_schema;
use crate::store::postgres::tx_error::TxError;

pub(in crate::store) async fn rewrite_schema_version(tx: &PgConnection<'_>) -> Result<usize, TxError> {
    let row = tx.query_optional("UPDATE schema_version SET version = version RETURNING version", &[]).await?;
    let version: i64 = row.ok_or_else(|| missing_row("schema_version"))?.try_get("version")?;
    let applied = usize::try_from(version).unwrap_or(0);
    check_schema(tx, applied).await?;
    Ok(applied)
}
