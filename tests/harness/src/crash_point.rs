//! A store at which its program can crash: before a write or right after it. Otherwise it is the
//! real store.
//!
//! In most test systems one call at a time runs among all stores, in the order of arrival, or
//! nothing else happens while it lasts. With threads underneath, that makes a run reproducible.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use onbill_origin::store::{FaultHook, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// When, around a call to the store, the program crashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashMoment {
    Before,
    After,
    /// The call itself panics, and its program goes on.
    Panic,
}

/// Whether a program is alive, and when it crashes.
#[derive(Default)]
pub struct CrashPoint {
    crashed: AtomicBool,
    /// Calls until the crash, and on which side of the last one it happens.
    armed: Mutex<Option<(u32, CrashMoment)>>,
}

impl CrashPoint {
    pub fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::SeqCst)
    }

    /// The program crashes at its `calls`-th call to the store from now on, counted from 1.
    pub fn crash_at(&self, calls: u32, moment: CrashMoment) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((calls, moment));
    }

    /// Runs a step while the program is alive. Returns `None` when it crashes before or right after
    /// it.
    pub(crate) async fn run_step<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        if self.has_crashed() {
            return None;
        }
        let last = self.count_down();
        assert!(last != Some(CrashMoment::Panic), "the mistake in the program that a test has put there");
        if last == Some(CrashMoment::Before) {
            self.crashed.store(true, Ordering::SeqCst);
            return None;
        }
        let result = step.await;
        if last == Some(CrashMoment::After) {
            self.crashed.store(true, Ordering::SeqCst);
            return None;
        }
        Some(result)
    }

    /// Returns whether the crash that was armed has not happened.
    pub fn disarm(&self) -> bool {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Counts a call. Returns the moment of the crash if this is the last one.
    fn count_down(&self) -> Option<CrashMoment> {
        let mut death = self.armed.lock().unwrap_or_else(PoisonError::into_inner);
        let (calls, moment) = death.as_mut()?;
        *calls -= 1;
        let moment = *moment;
        if *calls == 0 {
            *death = None;
            Some(moment)
        } else {
            None
        }
    }
}

/// The turn of a store call, among all programs of a test system.
pub type StoreTurn = Arc<tokio::sync::Mutex<()>>;

/// How the calls of several callers interleave.
pub enum StoreSchedule {
    /// Calls run concurrently.
    Free,
    /// One call at a time.
    InTurn(StoreTurn),
    /// Each call completes before its caller continues, without waiting: nothing else happens in
    /// the database in between.
    Whole,
}

/// The faults of a program with that crash point.
pub struct StoreFaults {
    crash_point: Arc<CrashPoint>,
    schedule: StoreSchedule,
}

impl StoreFaults {
    /// The store as a program with that crash point sees it.
    pub fn wrap_store(store: &Store, life: Arc<CrashPoint>, pace: StoreSchedule) -> Arc<Store> {
        Arc::new(store.with_faults(Arc::new(Self { crash_point: life, schedule: pace })))
    }
}

#[async_trait]
impl FaultHook for StoreFaults {
    async fn around(&self, _name: &'static str, use_case: BoxFuture<'_, ()>) -> Result<(), StoreError> {
        let turn = match &self.schedule {
            StoreSchedule::InTurn(turn) => Some(turn.lock().await),
            StoreSchedule::Free | StoreSchedule::Whole => None,
        };
        let step = async {
            if matches!(self.schedule, StoreSchedule::Whole) {
                block_on(use_case);
            } else {
                use_case.await;
            }
            if turn.is_some() {
                // However quick the store was, every caller that wants a turn after this one is
                // queued by now.
                tokio::task::yield_now().await;
            }
        };
        self.crash_point.run_step(step).await.ok_or(StoreError::Interrupted)
    }
}

/// Waits in this thread for work that other threads do.
fn block_on<T>(mut work: BoxFuture<'_, T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match work.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(result) => return result,
            Poll::Pending => std::thread::park(),
        }
    }
}
