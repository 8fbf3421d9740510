//! One use case is one transaction, which starts again after a conflict with another.
//!
//! The level is READ COMMITTED, and conflicting use cases take a lock: they lock the row of what
//! they decide about (a number, a flow, a PAI, a charge), so those about the same thing wait for
//! each other, and no others do. SERIALIZABLE would find the same conflicts by page and not by row,
//! and respond by starting again: on small tables, that is nearly every concurrent transaction. An
//! engine that has only a stricter level loses nothing by the locks.
//!
//! Once COMMIT was sent, nothing starts again unless the server reports that it rolled back: see
//! [`TxError::in_commit`].

use super::tx_error::{TxError, driver_error};
use crate::store::error::StoreError;
use deadpool_postgres::{Object, Pool, PoolError, Transaction};
use std::time::Duration;
use tokio_postgres::IsolationLevel;

/// Under these locks a use case conflicts once (an id claimed at the same moment, an import in
/// another order), and its second attempt succeeds. An optimistic engine may refuse a hot row
/// several times.
const ATTEMPTS_MAX: u32 = 8;

/// Doubles with each attempt, so that all of them wait a quarter of a second together: within the
/// time that a caller waits, and many times what a transaction takes.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// Callers that may wait for a connection: a database cannot serve more than this while they wait.
const WAITING_MAX: usize = 4096;

/// A connection of its own for one caller.
pub(in crate::store) async fn connection(pool: &Pool) -> Result<Object, StoreError> {
    if pool.status().waiting >= WAITING_MAX {
        return Err(StoreError::TooManyWaiting);
    }
    pool.get().await.map_err(|error| {
        let why = match error {
            PoolError::Backend(error) => driver_error(&error).to_string(),
            other => other.to_string(),
        };
        StoreError::Driver { code: None, message: format!("no connection to the database: {why}") }
    })
}

/// A transaction that is dropped without a commit is rolled back before its connection is used
/// again.
pub(in crate::store) async fn begin(
    connection: &mut Object,
    level: IsolationLevel,
) -> Result<Transaction<'_>, TxError> {
    Ok(connection.build_transaction().isolation_level(level).start().await?)
}

pub(in crate::store) async fn commit(tx: Transaction<'_>) -> Result<(), TxError> {
    tx.commit().await.map_err(|error| TxError::in_commit(&error))
}

#[derive(Default)]
pub(in crate::store) struct Attempts {
    failed: u32,
}

impl Attempts {
    /// The result for the caller; `None` when another attempt is to be made, at once.
    pub(in crate::store) async fn judge<T>(
        &mut self,
        outcome: Result<T, TxError>,
    ) -> Option<Result<T, StoreError>> {
        match outcome {
            Ok(result) => Some(Ok(result)),
            Err(TxError::Failed(error)) => Some(Err(error)),
            Err(TxError::Conflict(message)) => {
                self.failed += 1;
                if self.failed == ATTEMPTS_MAX {
                    return Some(Err(StoreError::Contended { message }));
                }
                tokio::time::sleep(FIRST_PAUSE * 2_u32.pow(self.failed - 1)).await;
                None
            }
        }
    }
}

/// Runs a block with `tx` until there is no conflict, and gives its result once it is durable. A
/// macro because the future of an async closure that borrows its argument cannot be promised to be
/// `Send`.
macro_rules! in_transaction {
    ($pool:expr, $level:ident, |$tx:ident| $work:block) => {{
        let mut attempts = $crate::store::postgres::transaction::Attempts::default();
        loop {
            let outcome: Result<_, $crate::store::postgres::tx_error::TxError> = async {
                let mut connection = $crate::store::postgres::transaction::connection($pool).await?;
                let level = tokio_postgres::IsolationLevel::$level;
                let begun = $crate::store::postgres::transaction::begin(&mut connection, level).await?;
                let $tx = &$crate::store::postgres::connection::PgConnection::In(&begun);
                let result = $work;
                $crate::store::postgres::transaction::commit(begun).await?;
                Ok(result)
            }
            .await;
            if let Some(result) = attempts.judge(outcome).await {
                break result;
            }
        }
    }};
}
pub(in crate::store) use in_transaction;

/// Runs one statement, which sees one state of the ledger without a transaction.
macro_rules! read {
    ($pool:expr, |$db:ident| $work:expr) => {{
        let connection = $crate::store::postgres::transaction::connection($pool).await?;
        let $db = &$crate::store::postgres::connection::PgConnection::Alone(&connection);
        $work.await.map_err($crate::store::error::StoreError::from)
    }};
}
pub(in crate::store) use read;
