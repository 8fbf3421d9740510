//! The one thread that writes. Writes that wait together are committed together: each runs in a
//! savepoint of its own, and none is answered before the commit has reached the disk. So one slow
//! fsync is shared by all of them.

use super::ledger_files::LedgerFiles;
use crate::store::error::StoreError;
use rusqlite::Connection;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Writes that may wait. A disk cannot serve more than this while their callers wait.
const WAITING_MAX: usize = 4096;

/// Writes in one commit: keeps its latency within some tens of milliseconds.
const GROUP_MAX: usize = 256;

/// Runs inside the transaction, or learns why there is none.
type Job = Box<dyn FnOnce(Result<&Connection, StoreError>) -> Ran + Send>;
/// Called with the result of the commit.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

/// A write that has run and is not committed.
struct Ran {
    /// Answers its caller after the commit.
    reply: Reply,
    error: Option<StoreError>,
}

#[derive(Clone)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    /// Starts the thread. It ends when the last handle is dropped.
    pub(super) fn start(connection: Connection, files: Arc<LedgerFiles>) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || write_all(&connection, &files, &waiting))
            .map_err(|error| StoreError::Driver {
                code: None,
                message: format!("the writer thread does not start: {error}"),
            })?;
        Ok(Self { jobs })
    }

    /// Runs `work` and gives its result once it is durable. When `work` fails, nothing of it is
    /// kept.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |tx| {
            let result = tx.and_then(|tx| in_savepoint(tx, work));
            let error = result.as_ref().err().cloned();
            let reply: Reply = Box::new(move |committed| {
                // The caller may be gone; what was committed stays committed.
                let _ = answer.send(committed.and(result));
            });
            Ran { reply, error }
        });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::TooManyWaiting,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn in_savepoint<T>(
    tx: &Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    tx.execute_batch("SAVEPOINT job")?;
    match work(tx) {
        Ok(value) => tx.execute_batch("RELEASE job").map(|()| value).map_err(StoreError::from),
        Err(error) => {
            // A full disk has ended the transaction, and the savepoint with it: the write's own
            // error is the one that says so.
            if !tx.is_autocommit() {
                tx.execute_batch("ROLLBACK TO job; RELEASE job")?;
            }
            Err(error)
        }
    }
}

fn write_all(connection: &Connection, files: &LedgerFiles, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let group = std::iter::once(first).chain(waiting.try_iter().take(GROUP_MAX - 1));
        commit_group(connection, files, group);
    }
}

fn commit_group(connection: &Connection, files: &LedgerFiles, group: impl Iterator<Item = Job>) {
    let begun = files.check().and_then(|()| Ok(connection.execute_batch("BEGIN IMMEDIATE")?));
    // Without a transaction each statement would commit by itself, so the writes are refused.
    if let Err(error) = begun {
        // Taken out before the first is answered: what comes after that is tried anew.
        let refused: Vec<Job> = group.collect();
        for job in refused {
            (job(Err(error.clone())).reply)(Ok(()));
        }
        return;
    }
    let mut replies: Vec<Reply> = Vec::new();
    let mut cause = None;
    for job in group {
        let Ran { reply, error } = job(Ok(connection));
        replies.push(reply);
        // A full disk or a failed write makes SQLite leave the transaction with everything in it,
        // not only the savepoint (https://www.sqlite.org/lang_transaction.html, section 3). The
        // next write would commit by itself, so it waits for the next group.
        if connection.is_autocommit() {
            cause = error;
            break;
        }
    }
    let committed = commit(connection, files, cause);
    for reply in replies {
        reply(committed.clone());
    }
}

/// Commits the transaction, if a failed write has not ended it; `cause` is that write's error.
fn commit(connection: &Connection, files: &LedgerFiles, cause: Option<StoreError>) -> Result<(), StoreError> {
    if connection.is_autocommit() {
        let cause = cause.map_or_else(|| "of no known cause".to_owned(), |error| error.to_string());
        return Err(StoreError::RolledBack { message: cause });
    }
    if let Err(error) = connection.execute_batch("COMMIT") {
        // After a failed commit SQLite may still be inside the transaction, which has to end, or
        // the next BEGIN fails.
        let _ = connection.execute_batch("ROLLBACK");
        let message = format!("the commit failed: {}", StoreError::from(error));
        return Err(StoreError::RolledBack { message });
    }
    // Written it is, and perhaps into a file that nobody finds again.
    files.check().map_err(|lost| StoreError::CommitUnknown { message: lost.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    /// In memory there are no files that could be lost.
    fn start(connection: Connection) -> Writer {
        Writer::start(connection, Arc::new(LedgerFiles::note(Path::new("no-such-folder/file"))))
            .expect("starts")
    }

    fn count(tx: &Connection) -> Result<i64, StoreError> {
        Ok(tx.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn failed_write_of_a_group_leaves_the_others() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").expect("creates");
        let writer = start(connection);
        let insert = |n: i64, fail: bool| {
            writer.run(move |tx| {
                tx.execute("INSERT INTO t VALUES (?1)", [n])?;
                if fail { Err(StoreError::NonceReplayed) } else { Ok(n) }
            })
        };
        let (a, b, c, d) =
            tokio::join!(insert(1, false), insert(2, true), insert(3, false), insert(1, false));
        assert!(matches!((a, b, c), (Ok(1), Err(StoreError::NonceReplayed), Ok(3))));
        assert!(
            matches!(d, Err(StoreError::Driver { .. })),
            "a broken constraint is the breaker's own failure"
        );
        assert!(matches!(writer.run(count).await, Ok(2)));
    }

    #[tokio::test]
    async fn full_disk_fails_its_own_group_only() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (n); PRAGMA max_page_count = 3").expect("creates");
        let writer = start(connection);
        // The first write waits until the others are queued, so that they form one group.
        let (let_go, held) = std::sync::mpsc::channel();
        let first = writer.run(move |tx| {
            held.recv().expect("is let go");
            Ok(tx.execute("INSERT INTO t VALUES (1)", [])?)
        });
        let full = writer.run(|tx| Ok(tx.execute("INSERT INTO t VALUES (zeroblob(100000))", [])?));
        let after = writer.run(|tx| Ok(tx.execute("INSERT INTO t VALUES (3)", [])?));
        let (first, full, after, ()) = tokio::join!(first, full, after, async {
            let_go.send(()).expect("is held");
        });
        // SQLite responds to a full disk by leaving the transaction, and the savepoints of the
        // other writes with it.
        for error in [first.err(), full.err()] {
            let why = error.map(|error| error.to_string()).unwrap_or_default();
            assert!(why.contains("database or disk is full"), "{why}");
        }
        assert!(matches!(after, Ok(1)), "what came after it is a group of its own");
        assert!(matches!(writer.run(count).await, Ok(1)));
    }

    #[tokio::test]
    async fn broken_database_answers_every_caller() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("BEGIN").expect("begins");
        let writer = start(connection);
        let error = writer.run(|_| Ok(())).await.expect_err("has no transaction of its own");
        assert!(error.to_string().contains("within a transaction"), "{error}");
    }
}
