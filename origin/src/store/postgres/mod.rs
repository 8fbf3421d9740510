//! The ledger in PostgreSQL, or an engine that speaks its protocol: for more than one machine, with
//! several origins on one database. This module has what all use cases share; the SQL of each is
//! beside the one for SQLite. Comments there are not repeated here, except for what several
//! concurrent writers require.
//!
//! There are no advisory locks, no LISTEN, and no id or order that matters comes from a sequence:
//! other engines implement these differently. What several origins need to agree on is a row or a
//! unique index.

mod begin;
pub(in crate::store) mod connection;
pub(in crate::store) mod group;
mod groups;
pub(in crate::store) mod migrations;
pub(in crate::store) mod number_lock;
mod pool;
pub(in crate::store) mod rows;
mod server_check;
mod session;
mod session_error;
pub(in crate::store) mod sql_value;
mod tls;
pub(in crate::store) mod transaction;
pub(in crate::store) mod tx_error;

use super::commits::CommitMetrics;
use super::error::StoreError;
use super::ledger_identity::LedgerFact;
use super::migration::Migration;
use super::open_mode::OpenMode;
use super::schema_version::SchemaVersion;
use crate::config::PostgresAddress;
use deadpool::Runtime;
use groups::PostgresGroups;
pub(in crate::store) use pool::Pool;
use pool::Sessions;
use std::sync::Arc;
use transaction::{CONNECTION_PATIENCE, in_transaction};

/// Connections of one origin when its configuration gives no number: enough for commits to share an
/// fsync, and few enough that six origins fit into PostgreSQL's default of one hundred.
pub const CONNECTIONS_DEFAULT: usize = 16;

#[derive(Clone)]
pub(in crate::store) struct PostgresDatabase {
    pool: Pool,
    pub(in crate::store) groups: PostgresGroups,
}

impl PostgresDatabase {
    /// Connects, and brings the schema up to date as far as the mode allows it, if the ledger has these facts.
    pub(super) async fn open(
        address: &PostgresAddress,
        connections: usize,
        mode: OpenMode,
        facts: &[LedgerFact],
        migrations: &[Migration],
        commits: Arc<CommitMetrics>,
    ) -> Result<Self, StoreError> {
        let pool = build_pool(address, connections, commits)?;
        migrations::migrate(&pool, mode, facts, migrations).await?;
        let groups = PostgresGroups::new(&pool);
        Ok(Self { pool, groups })
    }

    /// How far the schema is; 0 where there is no ledger. A ledger with other facts is an error.
    pub(super) async fn read_schema_version(
        address: &PostgresAddress,
        facts: &[LedgerFact],
    ) -> Result<SchemaVersion, StoreError> {
        let pool = build_pool(address, 1, Arc::default())?;
        in_transaction!(&pool, |tx| { migrations::read_schema_version(tx, facts).await? })
    }

    pub(in crate::store) fn pool(&self) -> &Pool {
        &self.pool
    }
}

fn build_pool(
    address: &PostgresAddress,
    connections: usize,
    commits: Arc<CommitMetrics>,
) -> Result<Pool, StoreError> {
    Pool::builder(Sessions::new(address.clone(), commits).map_err(driver_failed)?)
        .max_size(connections)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_PATIENCE))
        .create_timeout(Some(CONNECTION_PATIENCE))
        .build()
        .map_err(|error| driver_failed(error.to_string()))
}

fn driver_failed(message: String) -> StoreError {
    StoreError::Driver { code: None, message }
}
