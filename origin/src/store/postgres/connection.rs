//! Running statements. None is prepared: a pooler such as `PgBouncer` may give each transaction to
//! another session of the server, which has not prepared what the last one has.

use super::begin::{PendingBegin, begin_transaction};
use super::session::{ANSWER_PATIENCE, Session};
use super::session_error::SessionError;
use super::sql_value::SqlValue;
use super::tx_error::TxError;
use crate::store::error::missing_row;
use futures_util::future::join;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

/// The values of a statement's `$1`, `$2` and so on.
pub(in crate::store) type Values<'a> = &'a [&'a dyn SqlValue];

/// A session inside a transaction.
#[derive(Clone, Copy)]
pub(in crate::store) struct PgConnection<'a> {
    session: &'a Session,
    begin: &'a PendingBegin,
}

impl<'a> PgConnection<'a> {
    pub(super) fn new(session: &'a Session, begin: &'a PendingBegin) -> Self {
        Self { session, begin }
    }

    pub(in crate::store) async fn query(&self, sql: &str, values: Values<'_>) -> Result<Vec<Row>, TxError> {
        let values: Vec<_> = to_parameters(values);
        let rows = self.session.ask(ANSWER_PATIENCE, self.session.client().query_typed(sql, &values));
        let Some(statements) = self.begin.take() else { return Ok(rows.await?) };
        // Sent in this order, and in one round trip.
        let (begun, rows) = join(begin_transaction(self.session, &statements), rows).await;
        begun.map_err(|error| self.not_begun(error))?;
        Ok(rows?)
    }

    fn not_begun(&self, error: SessionError) -> TxError {
        let is_over = self.session.is_over();
        match error.into() {
            TxError::Failed(error) if is_over => TxError::NotBegun(error),
            error => error,
        }
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
        let values: Vec<_> = to_parameters(values);
        if let Some(statements) = self.begin.take() {
            // Without a transaction the statement would commit by itself.
            begin_transaction(self.session, &statements).await.map_err(|error| self.not_begun(error))?;
        }
        Ok(self.session.ask(ANSWER_PATIENCE, self.session.client().execute_typed(sql, &values)).await?)
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

    /// Several statements without values, for migrations, which may take long.
    pub(in crate::store) async fn batch_execute(&self, sql: &str) -> Result<(), TxError> {
        let done = self.session.client().batch_execute(sql).await;
        Ok(self.session.judge(done)?)
    }
}

fn to_parameters(values: Values<'_>) -> Vec<(&(dyn ToSql + Sync), Type)> {
    values.iter().map(|value| value.as_parameter()).collect()
}
