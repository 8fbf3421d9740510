//! Running statements. Each is prepared once for a connection.

use super::tx_error::TxError;
use crate::store::error::missing_row;
use deadpool_postgres::{ClientWrapper, Transaction};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// The values of a statement's `$1`, `$2` and so on.
pub(in crate::store) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

pub(in crate::store) enum PgConnection<'a> {
    /// Each statement is a transaction of its own.
    Alone(&'a ClientWrapper),
    In(&'a Transaction<'a>),
}

impl PgConnection<'_> {
    async fn prepare(&self, sql: &str) -> Result<Statement, TxError> {
        Ok(match self {
            Self::Alone(client) => client.prepare_cached(sql).await?,
            Self::In(tx) => tx.prepare_cached(sql).await?,
        })
    }

    pub(in crate::store) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, TxError> {
        let statement = self.prepare(sql).await?;
        Ok(match self {
            Self::Alone(client) => client.query(&statement, values).await?,
            Self::In(tx) => tx.query(&statement, values).await?,
        })
    }

    /// The only row that there can be.
    pub(in crate::store) async fn query_optional(
        &self,
        sql: &str,
        values: Values<'_>,
    ) -> Result<Option<Row>, TxError> {
        Ok(self.query(sql, values).await?.pop())
    }

    /// Returns how many rows it has changed.
    pub(in crate::store) async fn execute(&self, sql: &str, values: Values<'_>) -> Result<u64, TxError> {
        let statement = self.prepare(sql).await?;
        Ok(match self {
            Self::Alone(client) => client.execute(&statement, values).await?,
            Self::In(tx) => tx.execute(&statement, values).await?,
        })
    }

    /// Changes the one row of `table` that must be there.
    pub(in crate::store) async fn execute_one(
        &self,
        table: &'static str,
        sql: &str,
        values: Values<'_>,
    ) -> Result<(), TxError> {
        match self.execute(sql, values).await? {
            1 => Ok(()),
            _ => Err(missing_row(table).into()),
        }
    }

    /// Several statements without values, for migrations.
    pub(in crate::store) async fn batch_execute(&self, sql: &str) -> Result<(), TxError> {
        match self {
            Self::Alone(client) => client.batch_execute(sql).await?,
            Self::In(tx) => tx.batch_execute(sql).await?,
        }
        Ok(())
    }
}
