//! Group commit: use cases of one kind that wait together share a transaction. Its statements take
//! arrays, so that a use case costs its rows, and not its round trips, its planning and its commit.
//!
//! A group that runs alone takes whatever has come in the meantime, so its size follows the load.
//! A second one begins beside it only when it would be full.

use super::connection::PgConnection;
use super::pool::Pool;
use super::transaction::{Transaction, in_transaction, on_a_good_session};
use super::tx_error::TxError;
use crate::store::error::StoreError;
use futures_util::FutureExt as _;
use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Use cases of one kind that may wait. A database cannot serve more than this while their callers
/// wait.
const WAITING_MAX: usize = 4096;

/// Use cases in one transaction. Twice as many would save a tenth of the work at most, and keep
/// their locks for twice as long.
const GROUP_MAX: usize = 64;

/// Groups of one kind that run at once, in a session each.
const GROUPS_AT_ONCE: usize = 3;

/// How long a group may wait for a lock: the transaction that has it delays one member, and all wait.
const LOCK_PATIENCE: &str = "; SET LOCAL lock_timeout = '500ms'";

/// A use case that can run together with others of its kind.
pub(in crate::store) trait Grouped: Send + Sync + Sized + 'static {
    type Answer: Send;

    /// Whether there is something to commit.
    const WRITES: bool = true;

    /// Runs all of the group in this transaction, and gives the answers in its order. Its first
    /// statement reads. The answer is `None` for one that needs a transaction of its own, because it is
    /// not as usual: nothing of it may be written here. After two conflicts all of them do.
    fn run_group(
        tx: &PgConnection<'_>,
        group: &[Self],
    ) -> impl Future<Output = Result<Vec<Option<Self::Answer>>, TxError>> + Send;

    /// Runs this one in a transaction of its own.
    fn run_alone(&self, tx: &PgConnection<'_>) -> impl Future<Output = Result<Self::Answer, TxError>> + Send;
}

/// What became of a use case in its group.
enum Ran<Member: Grouped> {
    /// It is durable.
    Together(Member::Answer),
    /// Nothing of it was written.
    Not(Member),
}

struct Waiting<Member: Grouped> {
    member: Member,
    reply: oneshot::Sender<Result<Ran<Member>, StoreError>>,
}

struct Queue<Member: Grouped> {
    waiting: VecDeque<Waiting<Member>>,
    running: usize,
}

/// The use cases of one kind that wait.
pub(in crate::store) struct Groups<Member: Grouped> {
    pool: Pool,
    queue: Arc<Mutex<Queue<Member>>>,
}

impl<Member: Grouped> Clone for Groups<Member> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), queue: Arc::clone(&self.queue) }
    }
}

impl<Member: Grouped> Groups<Member> {
    pub(in crate::store) fn new(pool: Pool) -> Self {
        Self { pool, queue: Arc::new(Mutex::new(Queue { waiting: VecDeque::new(), running: 0 })) }
    }

    /// Gives the answer once it is durable.
    pub(in crate::store) async fn run(&self, member: Member) -> Result<Member::Answer, StoreError> {
        let (reply, replied) = oneshot::channel();
        let commits = &self.pool.manager().commits;
        let _waiting = Member::WRITES.then(|| commits.begin_waiting());
        self.put(Waiting { member, reply })?;
        match replied.await.unwrap_or_else(|_| Err(lost_reply()))? {
            Ran::Together(answer) => Ok(answer),
            Ran::Not(member) => {
                in_transaction!(&self.pool, |tx| { member.run_alone(tx).await? })
            }
        }
    }

    fn put(&self, waiting: Waiting<Member>) -> Result<(), StoreError> {
        let mut queue = self.lock();
        if queue.waiting.len() >= WAITING_MAX {
            return Err(StoreError::TooManyWaiting);
        }
        queue.waiting.push_back(waiting);
        let is_full = queue.waiting.len() >= GROUP_MAX;
        if queue.running == 0 || (is_full && queue.running < GROUPS_AT_ONCE) {
            queue.running += 1;
            // A task of its own, which a caller that goes away does not end for the others.
            tokio::spawn(self.clone().run_groups());
        }
        Ok(())
    }

    async fn run_groups(self) {
        while let Some(group) = self.take_group() {
            // A panic beyond the use cases themselves, as in a commit: its callers find their replies
            // dropped. The others still need this task.
            let _ = AssertUnwindSafe(run_and_reply(&self.pool, group)).catch_unwind().await;
        }
    }

    /// The next group; `None` when the caller's task is no longer needed.
    fn take_group(&self) -> Option<Vec<Waiting<Member>>> {
        let mut queue = self.lock();
        let count = queue.waiting.len().min(GROUP_MAX);
        if count == 0 || (count < GROUP_MAX && queue.running > 1) {
            queue.running -= 1;
            return None;
        }
        Some(queue.waiting.drain(..count).collect())
    }

    fn lock(&self) -> MutexGuard<'_, Queue<Member>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn run_and_reply<Member: Grouped>(pool: &Pool, group: Vec<Waiting<Member>>) {
    let awaited = group.into_iter().filter(|waiting| !waiting.reply.is_closed());
    let (members, replies): (Vec<_>, Vec<_>) = awaited.map(|waiting| (waiting.member, waiting.reply)).unzip();
    let mut ran = run_and_commit(pool, &members).await;
    if matches!(ran, Err(TxError::Conflict(_))) {
        // Another group has changed the same account, as a rule. This one now reads what it wrote.
        ran = run_and_commit(pool, &members).await;
    }
    let mut answers = match ran {
        Ok(answers) => answers.into_iter(),
        Err(error) if leaves_members_alone(&error) => Vec::new().into_iter(),
        Err(error) => {
            let error = StoreError::from(error);
            for reply in replies {
                let _ = reply.send(Err(error.clone()));
            }
            return;
        }
    };
    for (member, reply) in members.into_iter().zip(replies) {
        let ran = answers.next().flatten().map_or_else(|| Ran::Not(member), Ran::Together);
        // The caller may be gone; what was committed stays committed.
        let _ = reply.send(Ok(ran));
    }
}

async fn run_and_commit<Member: Grouped>(
    pool: &Pool,
    members: &[Member],
) -> Result<Vec<Option<Member::Answer>>, TxError> {
    on_a_good_session!({
        let transaction = Transaction::begin_with_reads(pool, LOCK_PATIENCE).await?;
        // Nothing is committed yet. Each member is tried alone then, and the mistake costs only the one
        // that meets it.
        let ran =
            AssertUnwindSafe(Member::run_group(&transaction.connection(), members)).catch_unwind().await;
        let answers = ran.unwrap_or(Err(TxError::Failed(StoreError::Panicked)))?;
        if Member::WRITES && answers.iter().any(Option::is_some) {
            transaction.commit().await?;
            pool.manager().commits.note_size(members.len());
        }
        Ok(answers)
    })
}

/// Why there is no reply: the task of the group has ended in the middle of it.
fn lost_reply() -> StoreError {
    StoreError::CommitUnknown { message: "another write of the same transaction has panicked".to_owned() }
}

/// Whether each member can be tried alone: nothing was written, and the fault may be that of one
/// member. A server that is away would only be waited for once more by each of them.
fn leaves_members_alone(error: &TxError) -> bool {
    match error {
        TxError::Conflict(_) => true,
        TxError::NotBegun(_) => false,
        TxError::Failed(error) => !matches!(
            error,
            StoreError::CommitUnknown { .. }
                | StoreError::Driver { code: None, .. }
                | StoreError::TooManyWaiting
        ),
    }
}
