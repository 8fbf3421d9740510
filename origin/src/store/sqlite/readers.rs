//! A few connections for reading. WAL lets them read the last commit while the writer works.

use crate::store::commits::PoolStatus;
use crate::store::error::StoreError;
use rusqlite::Connection;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

#[derive(Clone)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    free: Arc<Semaphore>,
    count: usize,
    /// Reads that wait for a connection.
    waiting: Arc<AtomicUsize>,
}

impl Readers {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let (count, free) = (connections.len(), Arc::new(Semaphore::new(connections.len())));
        Self { idle: Arc::new(Mutex::new(connections)), free, count, waiting: Arc::default() }
    }

    pub(super) fn status(&self) -> PoolStatus {
        let idle = self.free.available_permits();
        let waiting = self.waiting.load(Ordering::Relaxed);
        PoolStatus { in_use: self.count.saturating_sub(idle), idle, waiting }
    }

    /// Runs `work`, which takes microseconds, on this thread if a connection is idle: another thread
    /// would take longer to wake up.
    pub(super) async fn run_here<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => run_on_idle(&self.idle, permit, work),
            Err(_) => self.run(work).await,
        }
    }

    /// Runs `work` on a connection, off the async threads.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => self.wait_for_permit().await?,
        };
        let idle = Arc::clone(&self.idle);
        let result = tokio::task::spawn_blocking(move || run_on_idle(&idle, permit, work));
        result.await.map_err(|_| StoreError::Closed)?
    }

    async fn wait_for_permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let _waiting = Waiting::begin(&self.waiting);
        Arc::clone(&self.free).acquire_owned().await.map_err(|_| StoreError::Closed)
    }
}

/// A read that waits, until this is dropped.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn begin(waiting: &'w AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A permit stands for one idle connection.
fn run_on_idle<T>(
    idle: &Mutex<Vec<Connection>>,
    _permit: OwnedSemaphorePermit,
    work: impl FnOnce(&mut Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let take = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let mut taken = Taken { connection: Some(take().ok_or(StoreError::Closed)?), idle };
    let Some(connection) = &mut taken.connection else { return Err(StoreError::Closed) };
    // Its statements are reset as the stack unwinds, and it has only read.
    catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or(Err(StoreError::Panicked))
}

/// A connection in use. It is idle again when this is dropped.
struct Taken<'a> {
    connection: Option<Connection>,
    idle: &'a Mutex<Vec<Connection>>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn read_that_panics_leaves_the_connection() {
        let readers = Readers::new(vec![Connection::open_in_memory().expect("opens")]);
        let broken = readers.run(|_| -> Result<(), StoreError> { panic!("a mistake") }).await;
        assert_eq!(broken, Err(StoreError::Panicked));
        let broken = readers.run_here(|_| -> Result<(), StoreError> { panic!("a mistake") }).await;
        assert_eq!(broken, Err(StoreError::Panicked));
        assert_eq!(readers.run_here(|_| Ok(1)).await, Ok(1));
    }
}
