//! One session at a server, and when it is over.
//!
//! A session that has once failed in a way that is not the statement's own fault is never used
//! again: after a failover it may lead to a server that takes no writes, and would refuse them permanently.

use super::session_error::{SessionError, is_session_over, is_warning};
use crate::store::commits::CommitMetrics;
use futures_util::StreamExt as _;
use futures_util::stream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinHandle;
use tokio_postgres::{AsyncMessage, Client, Connection, Socket};

/// How long a server may work on a statement. It is cancelled then, because its caller no longer
/// waits.
pub(super) const STATEMENT_SECONDS: u64 = 5;

/// The server's own limit, and time for its answer to arrive: a server that has not answered by
/// then is paused, or cut off.
pub(super) const ANSWER_PATIENCE: Duration = Duration::from_secs(STATEMENT_SECONDS + 2);

/// How often sessions have found out that their server does not answer, or takes no writes.
/// Sessions that were opened before the last time are over with it: they lead to the same server.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerChanges(Arc<AtomicU64>);

impl ServerChanges {
    fn count(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

pub(in crate::store) struct Session {
    client: Client,
    /// Carries the bytes of the connection.
    driver: JoinHandle<()>,
    is_over: AtomicBool,
    warnings: Arc<AtomicU64>,
    changes: ServerChanges,
    changes_at_start: u64,
    commits: Arc<CommitMetrics>,
}

impl Session {
    pub(super) fn start<Stream>(
        client: Client,
        mut connection: Connection<Socket, Stream>,
        changes: ServerChanges,
        commits: Arc<CommitMetrics>,
    ) -> Self
    where
        Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let warnings = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&warnings);
        let driver = tokio::spawn(async move {
            let mut messages = stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(message) = messages.next().await {
                match message {
                    Ok(AsyncMessage::Notice(notice)) if is_warning(&notice) => {
                        counted.fetch_add(1, Ordering::SeqCst);
                        let code = notice.code().code();
                        tracing::warn!(code, notice = notice.message(), "the database has sent a warning");
                    }
                    Ok(_) => {}
                    // The statement in progress gets an error of its own.
                    Err(error) => {
                        tracing::debug!(fault = %error, "a connection to the database has ended");
                        return;
                    }
                }
            }
        });
        let changes_at_start = changes.count();
        let is_over = AtomicBool::new(false);
        Self { client, driver, is_over, warnings, changes, changes_at_start, commits }
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Waits for an answer of the server, and takes note of what it says about the session.
    pub(super) async fn ask<T>(
        &self,
        patience: Duration,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, SessionError> {
        if let Ok(answer) = tokio::time::timeout(patience, answer).await {
            self.judge(answer)
        } else {
            self.end_with_server();
            Err(SessionError::Silent(patience))
        }
    }

    pub(super) fn judge<T>(&self, answer: Result<T, tokio_postgres::Error>) -> Result<T, SessionError> {
        answer.map_err(|error| {
            if is_session_over(&error) {
                self.end();
            }
            SessionError::Driver(error)
        })
    }

    /// Closes the connection: the pool does not give it to anyone again.
    pub(super) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        self.driver.abort();
    }

    /// Ends this session, and with it those that were opened before now.
    pub(super) fn end_with_server(&self) {
        self.end();
        self.changes.add();
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::SeqCst)
            || self.client.is_closed()
            || self.changes_at_start != self.changes.count()
    }

    /// Notes a commit, in the metrics.
    pub(super) fn note_commit(&self, took: Duration, is_durable: bool) {
        self.commits.note_commit(took, is_durable);
    }

    /// How many warnings the server has sent.
    pub(super) fn warnings(&self) -> u64 {
        self.warnings.load(Ordering::SeqCst)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Closes the connection, also one whose server no longer reads from it.
        self.driver.abort();
    }
}
