//! The ledger in PostgreSQL, or an engine that speaks its protocol: for more than one machine, with
//! several origins on one database. This module has what all use cases share; the SQL of each is
//! beside the one for SQLite. Comments there are not repeated here, except for what several
//! concurrent writers require.
//!
//! There are no advisory locks, no LISTEN, and no id or order that matters comes from a sequence:
//! other engines implement these differently. What several origins need to agree on is a row or a
//! unique index.

pub(in crate::store) mod connection;
mod migrations;
pub(in crate::store) mod number_lock;
pub(in crate::store) mod rows;
mod tls;
pub(in crate::store) mod transaction;
pub(in crate::store) mod tx_error;

use super::error::StoreError;
use super::open_mode::OpenMode;
use crate::config::PostgresAddress;
use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use std::time::Duration;
use tokio_postgres::NoTls;
use transaction::in_transaction;

/// Connections of one origin when its configuration gives no number: enough for commits to share an
/// fsync, and few enough that six origins fit into PostgreSQL's default of one hundred.
pub const CONNECTIONS_DEFAULT: usize = 16;

/// How long a caller waits for a connection, new or free.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(5);

/// Each connection's own settings. A commit is acknowledged when it is on the disk, whatever the
/// server's default; a statement is cancelled when its caller no longer waits; and the locks of an
/// origin that stopped in mid-transaction are released.
const SESSION: &str = "SET synchronous_commit = on; SET statement_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s'";

#[derive(Clone)]
pub(in crate::store) struct PostgresDatabase {
    pool: Pool,
}

impl PostgresDatabase {
    /// Connects, and brings the schema up to date as far as the mode allows it.
    pub(super) async fn open(
        address: &PostgresAddress,
        connections: usize,
        mode: OpenMode,
    ) -> Result<Self, StoreError> {
        let settings = address.settings().clone();
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = if address.is_encrypted() {
            Manager::from_config(settings, tls::Tls::new().map_err(driver_failed)?, recycling)
        } else {
            Manager::from_config(settings, NoTls, recycling)
        };
        let pool = Pool::builder(manager)
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(CONNECTION_PATIENCE))
            .create_timeout(Some(CONNECTION_PATIENCE))
            .post_create(Hook::async_fn(|client, _| {
                Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
            }))
            .build()
            .map_err(|error| driver_failed(error.to_string()))?;
        in_transaction!(&pool, ReadCommitted, |tx| { migrations::migrate(tx, mode).await? })?;
        Ok(Self { pool })
    }

    pub(in crate::store) fn pool(&self) -> &Pool {
        &self.pool
    }
}

fn driver_failed(message: String) -> StoreError {
    StoreError::Driver { code: None, message }
}
