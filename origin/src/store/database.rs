//! The store itself: one of two databases, and how a use case runs in it.

use super::commits::{CommitMetrics, PoolStatus};
use super::error::StoreError;
use super::ledger_identity::LedgerFact;
use super::migration::{MIGRATIONS, Migration};
use super::open_mode::OpenMode;
use super::postgres::PostgresDatabase;
use super::sqlite::{OTHERS_TURN, SqliteDatabase};
use crate::config::PostgresAddress;
use async_trait::async_trait;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The use case that looks at the schema again and again, and so is never refused.
const SCHEMA_CHECK: &str = "write_origin";

/// The origin's ledger, whichever database keeps it. Each public method is one whole use case, in the file of its noun.
pub struct Store {
    pub(in crate::store) database: Database,
    faults: Option<Arc<dyn FaultHook>>,
    commits: Arc<CommitMetrics>,
    failures: Arc<AtomicU64>,
    /// The use cases that have panicked and are not an alarm yet.
    panicked: Arc<Mutex<BTreeSet<&'static str>>>,
    /// [`StoreError::NewerSchema`] while the last check of the schema ended with it.
    newer_schema: Arc<RwLock<Option<StoreError>>>,
}

/// The two databases.
#[derive(Clone)]
pub(in crate::store) enum Database {
    Sqlite(SqliteDatabase),
    Postgres(PostgresDatabase),
}

/// What tests use to make a use case fail, or to let it happen and lose its result. There is none in a running origin.
#[async_trait]
pub trait FaultHook: Send + Sync {
    /// Called around each use case, with the name of what it runs. `use_case` does the work and keeps the result: the
    /// caller gets that when this returns `Ok`, and the error otherwise, whether or not `use_case` was run.
    async fn around(&self, name: &'static str, use_case: BoxFuture<'_, ()>) -> Result<(), StoreError>;
}

impl Store {
    /// Opens an SQLite file, if the ledger in it has these facts. So many reads run at once, at least one; the others
    /// wait.
    pub fn open_sqlite(
        path: &Path,
        readers: usize,
        mode: OpenMode,
        facts: &[LedgerFact],
    ) -> Result<Self, StoreError> {
        Self::open_sqlite_with(path, readers, mode, facts, &MIGRATIONS)
    }

    /// The same, as an onbill with these migrations opens it.
    pub fn open_sqlite_with(
        path: &Path,
        readers: usize,
        mode: OpenMode,
        facts: &[LedgerFact],
        migrations: &[Migration],
    ) -> Result<Self, StoreError> {
        let commits = Arc::<CommitMetrics>::default();
        let database = SqliteDatabase::open(path, readers, mode, facts, migrations, Arc::clone(&commits))?;
        Ok(Self::on(Database::Sqlite(database), commits))
    }

    /// Connects to a PostgreSQL database, if the ledger in it has these facts.
    pub async fn open_postgres(
        address: &PostgresAddress,
        connections: usize,
        mode: OpenMode,
        facts: &[LedgerFact],
    ) -> Result<Self, StoreError> {
        Self::open_postgres_with(address, connections, mode, facts, &MIGRATIONS).await
    }

    /// The same, as an onbill with these migrations opens it.
    pub async fn open_postgres_with(
        address: &PostgresAddress,
        connections: usize,
        mode: OpenMode,
        facts: &[LedgerFact],
        migrations: &[Migration],
    ) -> Result<Self, StoreError> {
        let commits = Arc::<CommitMetrics>::default();
        let database =
            PostgresDatabase::open(address, connections, mode, facts, migrations, Arc::clone(&commits))
                .await?;
        Ok(Self::on(Database::Postgres(database), commits))
    }

    fn on(database: Database, commits: Arc<CommitMetrics>) -> Self {
        Self {
            database,
            faults: None,
            commits,
            failures: Arc::default(),
            panicked: Arc::default(),
            newer_schema: Arc::default(),
        }
    }

    /// The same database, with faults around each use case.
    #[must_use]
    pub fn with_faults(&self, faults: Arc<dyn FaultHook>) -> Self {
        Self {
            database: self.database.clone(),
            faults: Some(faults),
            commits: Arc::clone(&self.commits),
            failures: Arc::clone(&self.failures),
            panicked: Arc::clone(&self.panicked),
            newer_schema: Arc::clone(&self.newer_schema),
        }
    }

    /// The commits of this store, for the metrics.
    pub(crate) fn commits(&self) -> &Arc<CommitMetrics> {
        &self.commits
    }

    /// The pool of connections at this moment.
    pub fn pool_status(&self) -> PoolStatus {
        match &self.database {
            Database::Sqlite(database) => database.pool_status(),
            Database::Postgres(database) => {
                let status = database.pool().status();
                let idle = status.available;
                PoolStatus { in_use: status.size.saturating_sub(idle), idle, waiting: status.waiting }
            }
        }
    }

    /// The length of SQLite's write-ahead log in bytes, after the latest write of this program. A server of
    /// PostgreSQL looks after its own.
    pub fn write_ahead_log_bytes(&self) -> Option<u64> {
        match self.database {
            Database::Sqlite(_) => Some(self.commits.log_bytes()),
            Database::Postgres(_) => None,
        }
    }

    /// Gives other programs a turn at an SQLite file, between two of many long transactions. Without
    /// the pause, the next one has the file again before a program that waits has looked.
    pub async fn let_others_write(&self) {
        if let Database::Sqlite(_) = self.database {
            tokio::time::sleep(OTHERS_TURN).await;
        }
    }

    /// How many calls of a batch to make at once: all of it where one thread writes and what waits
    /// shares a commit, and as many as there are connections to a server.
    pub fn calls_at_once(&self, batch: usize) -> usize {
        match &self.database {
            Database::Sqlite(_) => batch,
            Database::Postgres(database) => batch.min(database.pool().status().max_size),
        }
    }

    /// How many use cases have failed since the start because of the database itself: a statement, a
    /// commit, or a connection.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// The use cases that have panicked since this was asked last.
    pub(crate) fn take_panicked(&self) -> BTreeSet<&'static str> {
        std::mem::take(&mut *self.panicked.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs one use case, with the fault hook around it if there is one. One that panics has failed
    /// like any other, whichever thread it was on. None but the check runs on a schema that this onbill
    /// may not serve on: a row that it writes there may be one that the newer onbill misreads.
    pub(in crate::store) async fn run<T: Send>(
        &self,
        name: &'static str,
        use_case: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        if name != SCHEMA_CHECK {
            let newer = self.newer_schema.read().unwrap_or_else(PoisonError::into_inner).clone();
            if let Some(refusal) = newer {
                return Err(refusal);
            }
        }
        let ended = self.run_with_faults(name, use_case).await;
        if name == SCHEMA_CHECK {
            self.note_schema_check(ended.as_ref().err());
        }
        match &ended {
            Err(StoreError::Panicked) => {
                self.panicked.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
            }
            Err(error) if error.is_of_database() => {
                self.failures.fetch_add(1, Ordering::Relaxed);
            }
            Ok(_) | Err(_) => {}
        }
        ended
    }

    /// Any other failure says nothing of the schema.
    fn note_schema_check(&self, error: Option<&StoreError>) {
        if matches!(error, None | Some(StoreError::NewerSchema { .. })) {
            *self.newer_schema.write().unwrap_or_else(PoisonError::into_inner) = error.cloned();
        }
    }

    async fn run_with_faults<T: Send>(
        &self,
        name: &'static str,
        use_case: BoxFuture<'_, Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let use_case = AssertUnwindSafe(use_case).catch_unwind();
        let use_case = use_case.map(|ran| ran.unwrap_or(Err(StoreError::Panicked)));
        let Some(faults) = &self.faults else { return use_case.await };
        let mut result = None;
        faults.around(name, Box::pin(async { result = Some(use_case.await) })).await?;
        result.unwrap_or_else(|| Err(StoreError::Interrupted))
    }
}

/// The body of a use case. Its noun has a function of this name in `sqlite.rs` and one in `postgres.rs`, whose first
/// argument is the connection; the others are given here. How it runs:
///
/// - `read`: on a connection for reading, in PostgreSQL as one statement without a transaction.
/// - `look_up`: the same for a few rows by their keys, which SQLite reads within microseconds.
/// - `look_up_grouped(group, member)`: the same as `look_up`, in PostgreSQL together with others of its kind: `group` is
///   a field of `PostgresGroups`, and `member` what it takes.
/// - `write`: in one transaction, which is durable when this returns.
/// - `write(nonce)`: the same after spending the call's nonce (a `Nonce`, or an `Option` of one).
/// - `write_grouped(group, member)`: the same as `write`, in such a group.
/// - `steps`: in several transactions, which the functions begin themselves.
macro_rules! use_case {
    ($store:ident, read, $function:ident($($argument:expr),*)) => {
        use_case!(@run $store, $function,
            |db| db.read(move |db| sqlite::$function(db, $($argument),*)).await,
            |db| $crate::store::postgres::transaction::read!(db.pool(), |db| postgres::$function(db, $($argument),*)))
    };
    ($store:ident, look_up_grouped($group:ident, $member:expr), $function:ident($($argument:expr),*)) => {
        use_case!(@run $store, $function,
            |db| db.look_up(move |db| sqlite::$function(db, $($argument),*)).await,
            |db| db.groups.$group.run($member).await)
    };
    ($store:ident, look_up, $function:ident($($argument:expr),*)) => {
        use_case!(@run $store, $function,
            |db| db.look_up(move |db| sqlite::$function(db, $($argument),*)).await,
            |db| $crate::store::postgres::transaction::read!(db.pool(), |db| postgres::$function(db, $($argument),*)))
    };
    ($store:ident, write, $function:ident($($argument:expr),*)) => {
        use_case!(@run $store, $function,
            |db| db.write(move |tx| sqlite::$function(tx, $($argument),*)).await,
            |db| $crate::store::postgres::transaction::in_transaction!(db.pool(), |tx| {
                postgres::$function(tx, $($argument),*).await?
            }))
    };
    ($store:ident, write($nonce:ident), $function:ident($($argument:expr),*)) => {{
        let nonce: Option<onbill_domain::signature::Nonce> = $nonce.into();
        use_case!(@run $store, $function,
            |db| db.write(move |tx| {
                $crate::store::nonce::sqlite::spend_nonce(tx, nonce.as_ref())?;
                sqlite::$function(tx, $($argument),*)
            }).await,
            |db| $crate::store::postgres::transaction::in_transaction!(db.pool(), |tx| {
                $crate::store::nonce::postgres::spend_nonce(tx, nonce.as_ref()).await?;
                postgres::$function(tx, $($argument),*).await?
            }))
    }};
    ($store:ident, write_grouped($group:ident, $member:expr), $function:ident($($argument:expr),*)) => {
        use_case!(@run $store, $function,
            |db| db.write(move |tx| sqlite::$function(tx, $($argument),*)).await,
            |db| db.groups.$group.run($member).await)
    };
    ($store:ident, steps, $function:ident($($argument:expr),*)) => {
        use_case!(@run $store, $function,
            |db| sqlite::$function(db, $($argument),*).await,
            |db| postgres::$function(db, $($argument),*).await)
    };
    (@run $store:ident, $function:ident, |$lite:ident| $in_sqlite:expr, |$pg:ident| $in_postgres:expr) => {
        $store
            .run(
                stringify!($function),
                Box::pin(async move {
                    match &$store.database {
                        $crate::store::database::Database::Sqlite($lite) => $in_sqlite,
                        $crate::store::database::Database::Postgres($pg) => $in_postgres,
                    }
                }),
            )
            .await
    };
}
pub(in crate::store) use use_case;
