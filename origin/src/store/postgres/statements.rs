//! Running statements: each text is prepared once a connection, and the rows it touched are counted.

use super::failure::{Broken, corrupt};
use deadpool_postgres::{ClientWrapper, Transaction};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// The values of a statement's `$1`, `$2` and so on.
pub(in crate::store) type Values<'a> = &'a [&'a (dyn ToSql + Sync)];

/// Where statements run.
pub(in crate::store) enum Db<'a> {
    /// Each by itself.
    Alone(&'a ClientWrapper),
    /// All in one transaction.
    In(&'a Transaction<'a>),
}

impl Db<'_> {
    async fn prepare(&self, sql: &str) -> Result<Statement, Broken> {
        Ok(match self {
            Self::Alone(client) => client.prepare_cached(sql).await?,
            Self::In(tx) => tx.prepare_cached(sql).await?,
        })
    }

    pub(in crate::store) async fn rows(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, Broken> {
        let statement = self.prepare(sql).await?;
        Ok(match self {
            Self::Alone(client) => client.query(&statement, values).await?,
            Self::In(tx) => tx.query(&statement, values).await?,
        })
    }

    /// The only row there can be.
    pub(in crate::store) async fn row(&self, sql: &str, values: Values<'_>) -> Result<Option<Row>, Broken> {
        Ok(self.rows(sql, values).await?.pop())
    }

    /// Changes rows, and tells how many.
    pub(in crate::store) async fn change(&self, sql: &str, values: Values<'_>) -> Result<u64, Broken> {
        let statement = self.prepare(sql).await?;
        Ok(match self {
            Self::Alone(client) => client.execute(&statement, values).await?,
            Self::In(tx) => tx.execute(&statement, values).await?,
        })
    }

    /// Changes the row that is known to be there; `what` names it.
    pub(in crate::store) async fn change_one(
        &self,
        what: &str,
        sql: &str,
        values: Values<'_>,
    ) -> Result<(), Broken> {
        match self.change(sql, values).await? {
            1 => Ok(()),
            _ => Err(corrupt(what)),
        }
    }

    /// Several statements without values, for the schema only.
    pub(in crate::store) async fn script(&self, sql: &str) -> Result<(), Broken> {
        match self {
            Self::Alone(client) => client.batch_execute(sql).await?,
            Self::In(tx) => tx.batch_execute(sql).await?,
        }
        Ok(())
    }
}
