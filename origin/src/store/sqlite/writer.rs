//! The one thread that writes. Writes that wait together are committed together, and none is
//! answered before the commit has reached the disk. So one slow fsync is shared by all of them.
//!
//! A savepoint around each write would cost it an eighth more time, and few writes fail. So a group
//! runs without. When a write fails after it has changed something, the whole group is rolled back
//! and runs once more, each write in a savepoint. A write that fails before that, as one with a
//! replayed nonce does, leaves nothing to roll back. A write that panics has failed like any other:
//! the thread continues, because without it the origin would write nothing any more.

use super::ledger_files::LedgerFiles;
use super::log_limit::LogLimit;
use crate::call_trace::CallTrace;
use crate::store::commits::CommitMetrics;
use crate::store::error::StoreError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Writes that may wait. A disk cannot serve more than this while their callers wait.
const WAITING_MAX: usize = 4096;

/// Writes in one commit: keeps its latency within some tens of milliseconds.
const GROUP_MAX: usize = 256;

/// A write, and the caller who waits for it.
trait Job: Send {
    /// Runs the write in the transaction, and keeps its result. It may be run again after a
    /// rollback. The error is that of the write.
    fn run(&mut self, tx: &Connection) -> Result<(), StoreError>;
    /// Gives the caller the result, or the error of the commit.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

struct Write<T, W> {
    work: W,
    /// That of the caller, for the jobs that the write puts into the queue.
    trace: Option<CallTrace>,
    /// `None` until it has run.
    result: Option<Result<T, StoreError>>,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, W> Job for Write<T, W>
where
    T: Send,
    W: Fn(&Connection) -> Result<T, StoreError> + Send,
{
    fn run(&mut self, tx: &Connection) -> Result<(), StoreError> {
        // Statements are reset as the stack unwinds, and what they have changed is rolled back.
        let work = AssertUnwindSafe(|| CallTrace::run(self.trace.as_ref(), || (self.work)(tx)));
        let result = catch_unwind(work).unwrap_or(Err(StoreError::Panicked));
        let ended = result.as_ref().map(drop).map_err(Clone::clone);
        self.result = Some(result);
        ended
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, answer, .. } = *self;
        // The caller may be gone; what was committed stays committed.
        let _ = answer.send(committed.and_then(|()| result.unwrap_or(Err(StoreError::Closed))));
    }
}

#[derive(Clone)]
pub(super) struct Writer {
    jobs: SyncSender<Box<dyn Job>>,
    commits: Arc<CommitMetrics>,
}

impl Writer {
    /// Starts the thread. It ends when the last handle is dropped.
    pub(super) fn start(
        mut connection: Connection,
        files: Arc<LedgerFiles>,
        commits: Arc<CommitMetrics>,
    ) -> Result<Self, StoreError> {
        let (jobs, waiting) = sync_channel(WAITING_MAX);
        let noted = Arc::clone(&commits);
        std::thread::Builder::new()
            .name("ledger-writer".to_owned())
            .spawn(move || write_all(&mut connection, &files, &waiting, &noted))
            .map_err(|error| StoreError::Driver {
                code: None,
                message: format!("the writer thread does not start: {error}"),
            })?;
        Ok(Self { jobs, commits })
    }

    /// Runs `work` and gives its result once it is durable. When `work` fails, nothing of it is
    /// kept. It is run again when another write of its group fails.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl Fn(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, answered) = oneshot::channel();
        let _waiting = self.commits.begin_waiting();
        let job = Box::new(Write { work, trace: CallTrace::current(), result: None, answer });
        self.jobs.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::TooManyWaiting,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }
}

fn write_all(
    connection: &mut Connection,
    files: &LedgerFiles,
    waiting: &Receiver<Box<dyn Job>>,
    commits: &CommitMetrics,
) {
    let mut log_limit = LogLimit::default();
    while let Ok(first) = waiting.recv() {
        let group = std::iter::once(first).chain(waiting.try_iter().take(GROUP_MAX - 1));
        commit_group(connection, files, group, commits);
        commits.note_log(log_limit.enforce(connection, files));
    }
}

/// Runs the writes that wait, commits them, and answers all whose turn it was.
fn commit_group(
    connection: &Connection,
    files: &LedgerFiles,
    mut waiting: impl Iterator<Item = Box<dyn Job>>,
    commits: &CommitMetrics,
) {
    let (begun, mut group) = (Instant::now(), Vec::new());
    let ended = begin_group(connection, files).and_then(|()| {
        for mut job in waiting.by_ref() {
            let changes = connection.total_changes();
            let ran = job.run(connection);
            group.push(job);
            let Err(error) = ran else { continue };
            // A full disk or a failed write makes SQLite leave the transaction with everything in
            // it (https://www.sqlite.org/lang_transaction.html, section 3). The next write would
            // commit by itself, so it waits for the next group.
            if connection.is_autocommit() {
                return Err(rolled_back(&error));
            }
            if connection.total_changes() != changes {
                return run_again(connection, &mut group);
            }
        }
        Ok(())
    });
    // Without a transaction each statement would commit by itself, so no write has run.
    if group.is_empty() {
        group.extend(waiting);
    }
    let committed = ended.and_then(|()| commit(connection, files));
    commits.note_commit(begun.elapsed(), committed.is_ok());
    commits.note_size(group.len());
    // After a failed commit SQLite may still be inside the transaction, which has to end, or the
    // next BEGIN fails.
    if committed.is_err() && !connection.is_autocommit() {
        let _ = connection.execute_batch("ROLLBACK");
    }
    for job in group {
        job.answer(committed.clone());
    }
}

fn begin_group(connection: &Connection, files: &LedgerFiles) -> Result<(), StoreError> {
    files.check()?;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    Ok(())
}

/// Rolls the group back and runs it once more, so that a write that fails takes no other with it.
fn run_again(connection: &Connection, group: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
    connection.prepare_cached("ROLLBACK")?.execute([])?;
    connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
    for job in group {
        connection.prepare_cached("SAVEPOINT job")?.execute([])?;
        if let Err(error) = job.run(connection) {
            // As above: the savepoint is gone with the transaction.
            if connection.is_autocommit() {
                return Err(rolled_back(&error));
            }
            connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        connection.prepare_cached("RELEASE job")?.execute([])?;
    }
    Ok(())
}

fn rolled_back(cause: &StoreError) -> StoreError {
    StoreError::RolledBack { message: cause.to_string() }
}

fn commit(connection: &Connection, files: &LedgerFiles) -> Result<(), StoreError> {
    let committed = connection.prepare_cached("COMMIT").and_then(|mut commit| commit.execute([]));
    if let Err(error) = committed {
        let message = format!("the commit failed: {}", StoreError::from(error));
        return Err(StoreError::RolledBack { message });
    }
    // It is written, but perhaps into a file that is no longer at the path of the ledger.
    files.check().map_err(|lost| StoreError::CommitUnknown { message: lost.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// In memory there are no files that could be lost.
    fn start(connection: Connection) -> Writer {
        let files = Arc::new(LedgerFiles::note(Path::new("no-such-folder/file")));
        Writer::start(connection, files, Arc::default()).expect("starts")
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
    async fn write_that_fails_before_it_changes_anything_runs_no_other_again() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").expect("creates");
        let writer = start(connection);
        let runs = Arc::new(AtomicUsize::new(0));
        let insert = |n: i64, fails: bool| {
            let runs = Arc::clone(&runs);
            writer.run(move |tx| {
                runs.fetch_add(1, Ordering::Relaxed);
                let inserted = tx.execute("INSERT INTO t VALUES (?1) ON CONFLICT DO NOTHING", [n])?;
                if inserted == 0 || fails { Err(StoreError::NonceReplayed) } else { Ok(n) }
            })
        };
        let refused = tokio::join!(insert(1, false), insert(1, false), insert(2, false));
        assert_eq!(refused, (Ok(1), Err(StoreError::NonceReplayed), Ok(2)));
        assert_eq!(runs.swap(0, Ordering::Relaxed), 3, "each has run once");
        let failed = tokio::join!(insert(3, false), insert(4, true), insert(5, false));
        assert_eq!(failed, (Ok(3), Err(StoreError::NonceReplayed), Ok(5)));
        assert!(runs.load(Ordering::Relaxed) > 3, "what has changed something is rolled back");
        assert!(matches!(writer.run(count).await, Ok(4)));
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
    async fn write_that_panics_leaves_the_others_and_the_thread() {
        let connection = Connection::open_in_memory().expect("opens");
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").expect("creates");
        let writer = start(connection);
        let insert = |n: i64, panics: bool| {
            writer.run(move |tx| {
                tx.execute("INSERT INTO t VALUES (?1)", [n])?;
                assert!(!panics, "a mistake");
                Ok(n)
            })
        };
        let ran = tokio::join!(insert(1, false), insert(2, true), insert(3, false));
        assert_eq!(ran, (Ok(1), Err(StoreError::Panicked), Ok(3)));
        assert_eq!(insert(4, true).await, Err(StoreError::Panicked), "alone too");
        assert!(matches!(writer.run(count).await, Ok(2)));
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
