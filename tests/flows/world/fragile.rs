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
pub enum Moment {
    Before,
    After,
}

/// Whether a program is alive, and when it dies.
#[derive(Default)]
pub struct Life {
    over: AtomicBool,
    /// Calls until then, and on which side of the last one.
    death: Mutex<Option<(u32, Moment)>>,
}

impl Life {
    pub fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// The program dies at its `calls`-th call to the store from now on, counted from 1.
    pub fn ends_at(&self, calls: u32, moment: Moment) {
        *self.death.lock().unwrap_or_else(PoisonError::into_inner) = Some((calls, moment));
    }

    /// Takes a step, as far as there is life for it: `None` when the program dies before it or right after.
    pub(crate) async fn take<T>(&self, step: impl Future<Output = T>) -> Option<T> {
        if self.is_over() {
            return None;
        }
        let last = self.count();
        if last == Some(Moment::Before) {
            self.over.store(true, Ordering::SeqCst);
            return None;
        }
        let result = step.await;
        if last == Some(Moment::After) {
            self.over.store(true, Ordering::SeqCst);
            return None;
        }
        Some(result)
    }

    /// Whether the death that was foretold has not come.
    pub fn was_spared(&self) -> bool {
        self.death.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
    }

    /// Counts a call; gives the moment if this is the last one.
    fn count(&self) -> Option<Moment> {
        let mut death = self.death.lock().unwrap_or_else(PoisonError::into_inner);
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
pub type Turn = Arc<tokio::sync::Mutex<()>>;

/// How the calls of several callers go together.
pub enum Pace {
    /// Everybody at once.
    Free,
    /// One at a time.
    InTurn(Turn),
    /// Each is over when its caller goes on, who need not wait: nothing of the books happens in between.
    Whole,
}

/// The faults of a program with that life.
pub struct Fragile {
    life: Arc<Life>,
    pace: Pace,
}

impl Fragile {
    /// The store as a program with that life has it.
    pub fn store(store: &Store, life: Arc<Life>, pace: Pace) -> Arc<Store> {
        Arc::new(store.with_faults(Arc::new(Self { life, pace })))
    }
}

#[async_trait]
impl FaultHook for Fragile {
    async fn around(&self, _name: &'static str, use_case: BoxFuture<'_, ()>) -> Result<(), StoreError> {
        let turn = match &self.pace {
            Pace::InTurn(turn) => Some(turn.lock().await),
            Pace::Free | Pace::Whole => None,
        };
        let step = async {
            if matches!(self.pace, Pace::Whole) {
                wait_for(use_case);
            } else {
                use_case.await;
            }
            if turn.is_some() {
                // However quick the store was: everybody who is to have a turn after this one stands in line by now.
                tokio::task::yield_now().await;
            }
        };
        self.life.take(step).await.ok_or(StoreError::Interrupted)
    }
}

/// Waits in this thread for what other threads do.
fn wait_for<T>(mut work: BoxFuture<'_, T>) -> T {
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
