//! A store that its program can die at: before a write or right after it. It is the real store otherwise.
//!
//! In most worlds there is one call at a time among all stores, in the order in which they came, or nothing else happens
//! while it lasts: with threads below, that is what makes a run the same run each time.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use onbill_origin::store::{FaultHook, Store, StoreError};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// When, around a call to the store, the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CrashMoment {
    Before,
    After,
}

/// Whether a program is alive, and when it dies.
#[derive(Default)]
pub struct CrashPoint {
    crashed: AtomicBool,
    /// Calls until then, and on which side of the last one.
    armed: Mutex<Option<(u32, CrashMoment)>>,
}

impl CrashPoint {
    pub fn has_crashed(&self) -> bool {
        self.crashed.load(Ordering::SeqCst)
    }

    /// The program dies at its `calls`-th call to the store from now on, counted from 1.
    pub fn crash_at(&self, calls: u32, moment: CrashMoment) {
        *self.armed.lock().unwrap_or_else(PoisonError::into_inner) = Some((calls, moment));
    }

    /// Takes a step, as far as there is life for it: `None` when the program dies before it or right after.
    pub(crate) async fn run_step<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        if self.has_crashed() {
            return None;
        }
        let last = self.count_down();
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

    /// Whether the death that was foretold has not come.
    pub fn disarm(&self) -> bool {
        self.armed.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Counts a call; gives the moment if this is the last one.
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

/// Whose turn it is, among all programs of a world.
pub type StoreTurn = Arc<tokio::sync::Mutex<()>>;

/// How the calls of several callers go together.
pub enum StoreSchedule {
    /// Everybody at once.
    Free,
    /// One at a time.
    InTurn(StoreTurn),
    /// Each is over when its caller goes on, who need not wait: nothing of the books happens in between.
    Whole,
}

/// The faults of a program with that life.
pub struct StoreFaults {
    crash_point: Arc<CrashPoint>,
    schedule: StoreSchedule,
}

impl StoreFaults {
    /// The store as a program with that life has it.
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
                // However quick the store was: everybody who is to have a turn after this one stands in line by now.
                tokio::task::yield_now().await;
            }
        };
        self.crash_point.run_step(step).await.ok_or(StoreError::Interrupted)
    }
}

/// Waits in this thread for what other threads do.
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
