//! The one thread that writes. Writes that wait together are committed together: each runs in a
//! savepoint of its own, and none is answered before the commit has reached the disk. So one slow
//! fsync is shared by all of them.

use crate::store::error::StoreError;
use rusqlite::Connection;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Writes that may wait. A disk cannot serve more than this while their callers wait.
const WAITING_MAX: usize = 4096;

/// Writes in one commit: keeps its latency within some tens of milliseconds.
const GROUP_MAX: usize = 256;

/// Runs inside the transaction, and returns what answers its caller after the commit.
type Job = Box<dyn FnOnce(&Connection) -> Reply + Send>;
/// Called with the result of the commit.
type Reply = Box<dyn FnOnce(Result<(), StoreError>) + Send>;

#[derive(Clone)]
pub(super) struct Writer {
    jobs: SyncSender<Job>,
}

impl Writer {
    /// Starts the thread. It ends when the last handle is dropped.
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || write_all(&connection, &waiting))
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
            let result = in_savepoint(tx, work);
            Box::new(move |committed| {
                // The caller may be gone; what was committed stays committed.
                let _ = answer.send(committed.and(result));
            })
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
    let result = work(tx);
    tx.execute_batch(if result.is_ok() { "RELEASE job" } else { "ROLLBACK TO job; RELEASE job" })?;
    result
}

fn write_all(connection: &Connection, waiting: &Receiver<Job>) {
    while let Ok(first) = waiting.recv() {
        let group = std::iter::once(first).chain(waiting.try_iter().take(GROUP_MAX - 1));
        commit_group(connection, group);
    }
}

fn commit_group(connection: &Connection, group: impl Iterator<Item = Job>) {
    let begun = connection.execute_batch("BEGIN IMMEDIATE");
    // Without a transaction each statement would commit by itself, so the writes are refused.
    if let Err(error) = begun {
        let why = format!("no write transaction: {error}");
        for job in group {
            drop_unrun(job, &why);
        }
        return;
    }
    let mut replies: Vec<Reply> = Vec::new();
    for job in group {
        replies.push(job(connection));
        // A full disk or a failed write makes SQLite leave the transaction with everything in it,
        // not only the savepoint (https://www.sqlite.org/lang_transaction.html, section 3). The
        // next write would commit by itself, so it waits for the next group.
        if connection.is_autocommit() {
            break;
        }
    }
    let committed = if connection.is_autocommit() {
        Err(StoreError::RolledBack { message: "a statement made it leave the transaction".to_owned() })
    } else {
        connection
            .execute_batch("COMMIT")
            .map_err(|error| StoreError::RolledBack { message: format!("the commit failed: {error}") })
    };
    if committed.is_err() {
        // After a failed commit SQLite may still be inside the transaction, which has to end, or
        // the next BEGIN fails.
        let _ = connection.execute_batch("ROLLBACK");
    }
    for reply in replies {
        reply(committed.clone());
    }
}

/// Dropping a write closes its channel, which its caller gets as [`StoreError::Closed`].
fn drop_unrun(job: Job, why: &str) {
    tracing::error!(why, "a write was refused");
    drop(job);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(tx: &Connection) -> Result<i64, StoreError> {
        Ok(tx.query_row("SELECT count(*) FROM t", [], |row| row.get(0))?)
    }

    #[tokio::test]
    async fn failed_write_of_a_group_leaves_the_others() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").expect("creates");
        let writer = Writer::start(connection).expect("starts");
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
        let writer = Writer::start(connection).expect("starts");
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
        assert!(matches!(first, Err(StoreError::RolledBack { .. })));
        assert!(matches!(full, Err(StoreError::RolledBack { .. })));
        assert!(matches!(after, Ok(1)), "what came after it is a group of its own");
        assert!(matches!(writer.run(count).await, Ok(1)));
    }

    #[tokio::test]
    async fn broken_database_answers_every_caller() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("BEGIN").expect("begins");
        let writer = Writer::start(connection).expect("starts");
        assert!(matches!(writer.run(|_| Ok(())).await, Err(StoreError::Closed)));
    }
}
