//! A stand-in host for tests: a store that can be stale or fail, a clock that stands still until it is moved, seeded
//! randomness, a network that is a function, rates that can be used up, and a log to read. Only in tests and behind
//! the feature `fake`: no deployment has it.

mod store;

pub use store::StoreFault;

use crate::platform::{KvUnavailable, Platform, Sieve, Unreachable};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use onbill_domain::digest::sha256;
use onbill_domain::timestamp::Timestamp;
use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use store::Store;

type Network =
    Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, Unreachable>> + Send + Sync>;

/// The stand-in host. Share it by `Arc`: every method takes `&self`.
pub struct FakePlatform {
    clock: Arc<AtomicI64>,
    seed: u64,
    drawn: AtomicU64,
    dry: AtomicBool,
    store: Mutex<Store>,
    network: Mutex<Network>,
    sent: Mutex<Vec<Request<Bytes>>>,
    used_up: Mutex<HashSet<Sieve>>,
    sieved: Mutex<Vec<(Sieve, String)>>,
    lines: Mutex<Vec<String>>,
}

impl FakePlatform {
    /// A host whose clock shows `clock` (in Unix seconds, shared with whoever else needs the same time), whose
    /// randomness follows from `seed`, and whose network reaches nobody.
    pub fn new(clock: Arc<AtomicI64>, seed: u64) -> Self {
        let nobody: Network = Arc::new(|_| Box::pin(async { Err(Unreachable::Broken) }));
        Self {
            clock,
            seed,
            drawn: AtomicU64::new(0),
            dry: AtomicBool::new(false),
            store: Mutex::default(),
            network: Mutex::new(nobody),
            sent: Mutex::default(),
            used_up: Mutex::default(),
            sieved: Mutex::default(),
            lines: Mutex::default(),
        }
    }

    /// From now on, outgoing requests are answered by `network`.
    pub fn on_network<F, R>(&self, network: F)
    where
        F: Fn(Request<Bytes>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Bytes>, Unreachable>> + Send + 'static,
    {
        *hold(&self.network) = Arc::new(move |request| Box::pin(network(request)));
    }

    /// Every outgoing request so far, in order, and forgets them.
    pub fn take_sent(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut hold(&self.sent))
    }

    /// Moves the clock.
    pub fn advance_seconds(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Whether the host has no randomness to give from now on.
    pub fn run_dry(&self, dry: bool) {
        self.dry.store(dry, Ordering::SeqCst);
    }

    /// Whether callers are over this rate from now on.
    pub fn use_up(&self, sieve: Sieve, used_up: bool) {
        let mut sieves = hold(&self.used_up);
        if used_up {
            sieves.insert(sieve)
        } else {
            sieves.remove(&sieve)
        };
    }

    /// Every key that was counted so far, in order.
    pub fn sieved(&self) -> Vec<(Sieve, String)> {
        hold(&self.sieved).clone()
    }

    /// Every line of log so far, in order.
    pub fn log_lines(&self) -> Vec<String> {
        hold(&self.lines).clone()
    }

    /// What is stored at `key`, as it really is.
    pub fn kv_value(&self, key: &str) -> Option<String> {
        hold(&self.store).value(key)
    }

    /// Everything that is stored, as it really is.
    pub fn kv_entries(&self) -> Vec<(String, String)> {
        hold(&self.store).entries()
    }

    /// Stores a value past the edge; `None` removes it.
    pub fn kv_set(&self, key: &str, value: Option<&str>) {
        hold(&self.store).set(key, value, self.seconds());
    }

    fn seconds(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// How the store fails from now on; `None` mends it.
    pub fn kv_fail(&self, fault: Option<StoreFault>) {
        hold(&self.store).fail(fault);
    }
}

impl Platform for FakePlatform {
    async fn kv_get(&self, key: &str) -> Result<Option<String>, KvUnavailable> {
        hold(&self.store).get(key, self.seconds())
    }

    async fn kv_put(&self, key: &str, value: &str) -> Result<(), KvUnavailable> {
        hold(&self.store).put(key, value, self.seconds())
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        hold(&self.sent).push(request.clone());
        let network = Arc::clone(&hold(&self.network));
        network(request).await
    }

    async fn rate_limit(&self, sieve: Sieve, key: &str) -> bool {
        hold(&self.sieved).push((sieve, key.to_owned()));
        !hold(&self.used_up).contains(&sieve)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.seconds())
    }

    fn random(&self) -> Option<[u8; 16]> {
        if self.dry.load(Ordering::SeqCst) {
            return None;
        }
        let drawn = self.drawn.fetch_add(1, Ordering::SeqCst);
        let hash = sha256(format!("{} {drawn}", self.seed).as_bytes());
        hash.first_chunk().copied()
    }

    fn log(&self, line: &str) {
        hold(&self.lines).push(line.to_owned());
    }
}

/// A lock that another test's panic cannot take away.
fn hold<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
