//! A fake host for tests: a KV that can be stale or fail, a clock that only a test moves, seeded
//! randomness, a network that is a function, rates that can be exhausted, and a log and data points
//! to read. It exists in tests and behind the feature `fake` only: no deployment has it.

mod kv;

pub use kv::KvFault;

use crate::platform::{DataPoint, KvUnavailable, Platform, RateLimiter, Unreachable};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use kv::FakeKv;
use onbill_domain::digest::sha256;
use onbill_domain::timestamp::Timestamp;
use std::collections::HashSet;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

type Network =
    Arc<dyn Fn(Request<Bytes>) -> BoxFuture<'static, Result<Response<Bytes>, Unreachable>> + Send + Sync>;

/// The fake host. Share it by `Arc`: every method takes `&self`.
pub struct FakePlatform {
    clock: Arc<AtomicI64>,
    seed: u64,
    draws: AtomicU64,
    randomness_fails: AtomicBool,
    kv: Mutex<FakeKv>,
    settings: Mutex<FakeKv>,
    setting_reads: AtomicU64,
    setting_read_seconds: AtomicI64,
    network: Mutex<Network>,
    sent: Mutex<Vec<Request<Bytes>>>,
    exhausted: Mutex<HashSet<RateLimiter>>,
    rate_keys: Mutex<Vec<(RateLimiter, String)>>,
    lines: Mutex<Vec<String>>,
    points: Mutex<Vec<DataPoint>>,
}

impl FakePlatform {
    /// A host whose time is `clock` (in Unix seconds, shared with other parties of a test), whose
    /// randomness follows from `seed`, and whose network has no connection.
    pub fn new(clock: Arc<AtomicI64>, seed: u64) -> Self {
        let no_connection: Network = Arc::new(|_| Box::pin(async { Err(Unreachable::Broken) }));
        Self {
            clock,
            seed,
            draws: AtomicU64::new(0),
            randomness_fails: AtomicBool::new(false),
            kv: Mutex::default(),
            settings: Mutex::default(),
            setting_reads: AtomicU64::new(0),
            setting_read_seconds: AtomicI64::new(0),
            network: Mutex::new(no_connection),
            sent: Mutex::default(),
            exhausted: Mutex::default(),
            rate_keys: Mutex::default(),
            lines: Mutex::default(),
            points: Mutex::default(),
        }
    }

    /// Sets the function that responds to outgoing requests.
    pub fn on_network<F, R>(&self, network: F)
    where
        F: Fn(Request<Bytes>) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Response<Bytes>, Unreachable>> + Send + 'static,
    {
        *lock(&self.network) = Arc::new(move |request| Box::pin(network(request)));
    }

    /// Takes every outgoing request since the last time, in order.
    pub fn take_sent(&self) -> Vec<Request<Bytes>> {
        std::mem::take(&mut lock(&self.sent))
    }

    pub fn advance_seconds(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Sets whether the host has no randomness to give.
    pub fn fail_randomness(&self, fails: bool) {
        self.randomness_fails.store(fails, Ordering::SeqCst);
    }

    /// Sets whether callers are over this rate.
    pub fn exhaust_rate(&self, limiter: RateLimiter, exhausted: bool) {
        let mut limiters = lock(&self.exhausted);
        if exhausted {
            limiters.insert(limiter)
        } else {
            limiters.remove(&limiter)
        };
    }

    /// Every key that a rate was checked for, in order.
    pub fn rate_keys(&self) -> Vec<(RateLimiter, String)> {
        lock(&self.rate_keys).clone()
    }

    /// Every line of the log, in order.
    pub fn log_lines(&self) -> Vec<String> {
        lock(&self.lines).clone()
    }

    /// Every data point, in order.
    pub fn data_points(&self) -> Vec<DataPoint> {
        lock(&self.points).clone()
    }

    /// The true value at `key`, whatever reads would see.
    pub fn kv_value(&self, key: &str) -> Option<String> {
        lock(&self.kv).value(key)
    }

    /// The true keys and values, whatever reads would see.
    pub fn kv_entries(&self) -> Vec<(String, String)> {
        lock(&self.kv).entries()
    }

    /// Writes a value without the edge; `None` removes it.
    pub fn kv_set(&self, key: &str, value: Option<&str>) {
        lock(&self.kv).set(key, value, self.seconds());
    }

    /// Writes a setting as the deployment does; `None` removes it.
    pub fn set_setting(&self, key: &str, value: Option<&str>) {
        lock(&self.settings).set(key, value, self.seconds());
    }

    /// Sets how the store of settings fails; `None` means not at all.
    pub fn settings_fail(&self, fault: Option<KvFault>) {
        lock(&self.settings).fail(fault);
    }

    /// How often the store of settings was asked, for values or for its keys.
    pub fn setting_reads(&self) -> u64 {
        self.setting_reads.load(Ordering::SeqCst)
    }

    /// Sets how long a read of settings takes, in seconds.
    pub fn slow_setting_reads(&self, seconds: i64) {
        self.setting_read_seconds.store(seconds, Ordering::SeqCst);
    }

    fn seconds(&self) -> i64 {
        self.clock.load(Ordering::SeqCst)
    }

    /// Sets how KV fails; `None` means not at all.
    pub fn kv_fail(&self, fault: Option<KvFault>) {
        lock(&self.kv).fail(fault);
    }
}

impl Platform for FakePlatform {
    async fn kv_get(&self, key: &str) -> Result<Option<String>, KvUnavailable> {
        lock(&self.kv).get(key, self.seconds())
    }

    async fn kv_put(&self, key: &str, value: &str) -> Result<(), KvUnavailable> {
        lock(&self.kv).put(key, value, self.seconds())
    }

    fn kv_put_later(&self, key: &str, value: &str, _ttl_seconds: u32) {
        // No caller learns of a failure.
        let _ = lock(&self.kv).put(key, value, self.seconds());
    }

    async fn read_settings(&self, keys: &[String]) -> Result<Vec<Option<String>>, KvUnavailable> {
        self.setting_reads.fetch_add(1, Ordering::SeqCst);
        assert!(keys.len() <= 100, "the platform reads no more at once");
        self.advance_seconds(self.setting_read_seconds.load(Ordering::SeqCst));
        let settings = lock(&self.settings);
        keys.iter().map(|key| settings.get(key, self.seconds())).collect()
    }

    async fn list_settings(&self, prefix: &str, _count_max: usize) -> Result<Vec<String>, KvUnavailable> {
        self.setting_reads.fetch_add(1, Ordering::SeqCst);
        let settings = lock(&self.settings);
        // The list fails as reads do.
        settings.get(prefix, self.seconds())?;
        let keys = settings.entries().into_iter().map(|(key, _)| key);
        Ok(keys.filter(|key| key.starts_with(prefix)).collect())
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
        lock(&self.sent).push(request.clone());
        let network = Arc::clone(&lock(&self.network));
        network(request).await
    }

    async fn is_within_rate(&self, limiter: RateLimiter, key: &str) -> bool {
        lock(&self.rate_keys).push((limiter, key.to_owned()));
        !lock(&self.exhausted).contains(&limiter)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.seconds())
    }

    fn now_milliseconds(&self) -> i64 {
        self.seconds().saturating_mul(1000)
    }

    fn random_bytes(&self) -> Option<[u8; 16]> {
        if self.randomness_fails.load(Ordering::SeqCst) {
            return None;
        }
        let draw = self.draws.fetch_add(1, Ordering::SeqCst);
        let hash = sha256(format!("{} {draw}", self.seed).as_bytes());
        hash.first_chunk().copied()
    }

    fn log(&self, line: &str) {
        lock(&self.lines).push(line.to_owned());
    }

    fn record(&self, point: &DataPoint) {
        lock(&self.points).push(point.clone());
    }
}

/// Takes a lock that another thread's panic cannot poison.
fn lock<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
