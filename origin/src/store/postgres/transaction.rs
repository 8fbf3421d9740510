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

use super::begin::{PendingBegin, begin_statements, begin_transaction};
use super::connection::PgConnection;
use super::pool::{Pool, Sessions};
use super::session::{ANSWER_PATIENCE, Session};
use super::tx_error::TxError;
use crate::store::error::StoreError;
use deadpool::managed::{Object, PoolError};
use futures_util::FutureExt as _;
use std::time::Duration;
use tokio::time::Instant;

/// Under these locks a use case conflicts once (an id claimed at the same moment, an import in
/// another order), and its second attempt succeeds. An optimistic engine may refuse a hot row
/// several times.
const ATTEMPTS_MAX: u32 = 8;

/// Doubles with each attempt, so that all of them wait a quarter of a second together: within the
/// time that a caller waits, and many times what a transaction takes.
const FIRST_PAUSE: Duration = Duration::from_millis(2);

/// Callers that may wait for a connection: a database cannot serve more than this while they wait.
const WAITING_MAX: usize = 4096;

/// How long a caller waits for a session that takes writes, new or free.
pub(in crate::store) const CONNECTION_PATIENCE: Duration = Duration::from_secs(5);

/// A session that was idle may have lost its server, or be one at a server that takes no writes any
/// more. Beginning a transaction shows it, before anything was written: another session is taken.
async fn begin_on_a_good_session(pool: &Pool, begin: &str) -> Result<Object<Sessions>, StoreError> {
    let since = Instant::now();
    loop {
        let session = acquire_session(pool).await?;
        match begin_transaction(&session, begin).await {
            Ok(()) => return Ok(session),
            Err(error) if session.is_over() && since.elapsed() < CONNECTION_PATIENCE => {
                tracing::debug!(fault = ?error, "the session with the database has ended");
            }
            Err(error) => return Err(TxError::from(error).into()),
        }
    }
}

async fn acquire_session(pool: &Pool) -> Result<Object<Sessions>, StoreError> {
    if pool.status().waiting >= WAITING_MAX {
        return Err(StoreError::TooManyWaiting);
    }
    pool.get().await.map_err(|error| {
        let why = match error {
            PoolError::Backend(error) => error.to_string(),
            other => other.to_string(),
        };
        StoreError::Driver { code: None, message: format!("no connection to the database: {why}") }
    })
}

/// A transaction that is dropped without a commit is rolled back before its session is used again.
pub(in crate::store) struct Transaction {
    session: Object<Sessions>,
    begin: PendingBegin,
    is_open: bool,
}

impl Transaction {
    pub(in crate::store) async fn begin(pool: &Pool) -> Result<Self, TxError> {
        let session = begin_on_a_good_session(pool, &begin_statements()).await?;
        Ok(Self { session, begin: PendingBegin::default(), is_open: true })
    }

    /// A transaction whose first statements only read: what begins it is sent together with them, and
    /// may fail with [`TxError::NotBegun`]. Statements that write would commit by themselves if the
    /// server refused to begin. `more` are further settings.
    pub(in crate::store) async fn begin_with_reads(pool: &Pool, more: &str) -> Result<Self, TxError> {
        let session = acquire_session(pool).await?;
        let begin = PendingBegin::new(begin_statements() + more);
        Ok(Self { session, begin, is_open: true })
    }

    pub(in crate::store) fn connection(&self) -> PgConnection<'_> {
        PgConnection::new(&self.session, &self.begin)
    }

    /// Returns when what was written is durable.
    ///
    /// The server waits for its synchronous standby without a limit, because a limit would make it
    /// confirm a commit that the standby does not have, with a warning. A commit with a warning is
    /// not confirmed here either: the wait can be cancelled by hand.
    pub(in crate::store) async fn commit(mut self) -> Result<(), TxError> {
        let begun = Instant::now();
        let committed = self.send_commit().await;
        self.session.note_commit(begun.elapsed(), committed.is_ok());
        committed
    }

    async fn send_commit(&mut self) -> Result<(), TxError> {
        self.is_open = false;
        let warnings = self.session.warnings();
        let answer = self.session.client().batch_execute("SET LOCAL statement_timeout = 0; COMMIT");
        self.session.ask(ANSWER_PATIENCE, answer).await.map_err(|error| TxError::in_commit(&error))?;
        if self.session.warnings() == warnings {
            return Ok(());
        }
        self.session.end();
        Err(TxError::Failed(StoreError::CommitUnknown {
            message: "the database has confirmed it with a warning".to_owned(),
        }))
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        if self.is_open && self.begin.take().is_none() {
            roll_back(&self.session);
        }
    }
}

/// Sends it without waiting for the answer: what the next user of the session sends comes after it.
fn roll_back(session: &Session) {
    let _ = session.client().batch_execute("ROLLBACK").now_or_never();
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
            Err(TxError::Failed(error) | TxError::NotBegun(error)) => Some(Err(error)),
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
    ($pool:expr, |$tx:ident| $work:block) => {{
        let mut attempts = $crate::store::postgres::transaction::Attempts::default();
        loop {
            let outcome: Result<_, $crate::store::postgres::tx_error::TxError> = async {
                let transaction = $crate::store::postgres::transaction::Transaction::begin($pool).await?;
                let $tx = &transaction.connection();
                let result = $work;
                transaction.commit().await?;
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

/// Runs a block that begins a transaction by [`Transaction::begin_with_reads()`], on another session if
/// that one turns out to be over.
macro_rules! on_a_good_session {
    ($work:block) => {{
        let since = tokio::time::Instant::now();
        loop {
            let outcome: Result<_, $crate::store::postgres::tx_error::TxError> = async { $work }.await;
            match outcome {
                Err($crate::store::postgres::tx_error::TxError::NotBegun(error))
                    if since.elapsed() < $crate::store::postgres::transaction::CONNECTION_PATIENCE =>
                {
                    tracing::debug!(fault = ?error, "the session with the database has ended");
                }
                outcome => break outcome,
            }
        }
    }};
}
pub(in crate::store) use on_a_good_session;

/// Runs one statement, which sees one state of the ledger. Its transaction is there for the
/// settings, and to show that the server is the one that takes writes: a standby may lag behind.
macro_rules! read {
    ($pool:expr, |$db:ident| $work:expr) => {
        $crate::store::postgres::transaction::on_a_good_session!({
            let transaction =
                $crate::store::postgres::transaction::Transaction::begin_with_reads($pool, "").await?;
            let $db = &transaction.connection();
            $work.await
        })
        .map_err($crate::store::error::StoreError::from)
    };
}
pub(in crate::store) use read;
