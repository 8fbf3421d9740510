//! A network of function calls. It can lose a request or a response, and it records everything that
//! crossed it.

mod calls;
mod delivery;
mod fault;
mod services;

pub use calls::{RawCall, RecordedCall, StoredCall};
pub use delivery::FAILED_AFTER;
pub use fault::NetworkFault;

use crate::ManualClock;
use bytes::Bytes;
use fault::{ActiveFault, FaultedCall};
use http::Request;
use onbill_domain::digest::sha256;
use onbill_origin::app::App;
use services::Service;
use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The services by address, and the faults.
pub struct TestNetwork {
    clock: ManualClock,
    services: Mutex<HashMap<String, Service>>,
    /// The origins, whose outboxes are processed whatever else happens.
    apps: Mutex<BTreeMap<String, Vec<Arc<App>>>>,
    active_faults: Mutex<Vec<ActiveFault>>,
    faulted_calls: Mutex<Vec<FaultedCall>>,
    late_requests: Mutex<Vec<Request<Bytes>>>,
    accepted_twice: Mutex<Vec<String>>,
    calls: Mutex<Vec<StoredCall>>,
    calls_sent: AtomicU64,
    draws: AtomicU64,
    /// Whether a call stalls at the moment.
    is_stalling: AtomicBool,
}

impl TestNetwork {
    pub fn new(clock: ManualClock) -> Self {
        Self {
            clock,
            services: Mutex::default(),
            apps: Mutex::default(),
            active_faults: Mutex::default(),
            faulted_calls: Mutex::default(),
            late_requests: Mutex::default(),
            accepted_twice: Mutex::default(),
            calls: Mutex::default(),
            calls_sent: AtomicU64::new(0),
            draws: AtomicU64::new(0),
            is_stalling: AtomicBool::new(false),
        }
    }

    /// Pseudo-random, and the same in every run.
    fn draw_below(&self, bound: usize) -> usize {
        let throw = self.draws.fetch_add(1, Ordering::Relaxed);
        usize::from(sha256(&throw.to_le_bytes())[0]) % bound
    }
}

fn lock_mutex<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
