//! The write in PostgreSQL. It waits while another origin migrates the schema, and fails then.

use crate::store::postgres::connection::PgConnection;
use crate::store::postgres::migrations::check_schema;
use crate::store::postgres::tx_error::TxError;

pub(in crate::store) async fn rewrite_schema_version(tx: &PgConnection<'_>) -> Result<(), TxError> {
    check_schema(tx).await?;
    tx.execute_one("schema_version", "UPDATE schema_version SET version = version", &[]).await
}
