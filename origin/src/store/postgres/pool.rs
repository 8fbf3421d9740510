//! The sessions of one origin. Which of the servers in the address takes writes is found out for
//! each new session: after a failover it is another one.

use super::server_check::check_server;
use super::session::{ServerChanges, Session};
use super::session_error::SessionError;
use super::tls::Tls;
use super::tx_error::describe;
use crate::config::{PostgresAddress, server_name};
use crate::store::commits::CommitMetrics;
use crate::store::error::StoreError;
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use std::sync::Arc;
use tokio_postgres::{Config, NoTls};

pub(in crate::store) type Pool = deadpool::managed::Pool<Sessions>;

/// Opens sessions, and says which of them can be used again.
pub(in crate::store) struct Sessions {
    address: PostgresAddress,
    servers: Vec<Config>,
    /// Absent for a database on this machine.
    tls: Option<Tls>,
    changes: ServerChanges,
    pub(super) commits: Arc<CommitMetrics>,
}

impl Sessions {
    pub(super) fn new(address: PostgresAddress, commits: Arc<CommitMetrics>) -> Result<Self, String> {
        let tls = if address.is_encrypted() { Some(Tls::new()?) } else { None };
        Ok(Self { servers: address.servers(), address, tls, changes: ServerChanges::default(), commits })
    }

    async fn connect(&self, server: &Config) -> Result<Session, SessionError> {
        let (changes, commits) = (self.changes.clone(), Arc::clone(&self.commits));
        let session = if let Some(tls) = &self.tls {
            let (client, connection) = server.connect(tls.clone()).await.map_err(SessionError::Driver)?;
            Session::start(client, connection, changes, commits)
        } else {
            let (client, connection) = server.connect(NoTls).await.map_err(SessionError::Driver)?;
            Session::start(client, connection, changes, commits)
        };
        check_server(&session, self.address.tears_no_pages()).await?;
        Ok(session)
    }
}

impl Manager for Sessions {
    type Type = Session;
    type Error = StoreError;

    /// Asks all servers at once, and takes the first one that takes writes. One that is paused or
    /// cut off does not answer, and the others do not wait for it.
    async fn create(&self) -> Result<Session, StoreError> {
        let mut attempts: FuturesUnordered<_> =
            self.servers.iter().map(async |server| (server, self.connect(server).await)).collect();
        let mut complaints = Vec::new();
        while let Some((server, outcome)) = attempts.next().await {
            match outcome {
                Ok(session) => return Ok(session),
                Err(error) if self.servers.len() == 1 => complaints.push(describe(&error)),
                Err(error) => complaints.push(format!("{}: {}", server_name(server), describe(&error))),
            }
        }
        Err(StoreError::Driver { code: None, message: complaints.join("; ") })
    }

    async fn recycle(&self, session: &mut Session, _: &Metrics) -> RecycleResult<StoreError> {
        if session.is_over() { Err(RecycleError::message("the session is over")) } else { Ok(()) }
    }
}
