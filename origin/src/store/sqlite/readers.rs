//! A few connections for reading. WAL lets them read the last commit while the writer works.

use crate::store::error::StoreError;
use rusqlite::Connection;
use std::sync::{Arc, Mutex};
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let free = Arc::new(Semaphore::new(connections.len()));
        Self { idle: Arc::new(Mutex::new(connections)), free }
    }

    /// Runs `work` on a connection, off the async threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)?;
        let idle = Arc::clone(&self.idle);
        let result = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let take = || idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
            // A permit stands for one idle connection.
            let connection = take().ok_or(StoreError::Closed)?;
            let result = work(&connection);
            idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(connection);
            result
        });
        result.await.map_err(|_| StoreError::Closed)?
    }
}
