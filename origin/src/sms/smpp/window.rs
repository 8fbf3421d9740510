//! The window: how many messages may be in flight at once, and which go first.

use tokio::sync::{Semaphore, SemaphorePermit};

/// The window. A part of it is for urgent messages only, so that they never wait behind others that
/// do.
pub(super) struct Window {
    all: Semaphore,
    /// The places that non-urgent messages may have: they take one of these first.
    unhurried: Semaphore,
}

/// A place in the window, until it is dropped.
pub(super) struct WindowPermit<'a> {
    _place: SemaphorePermit<'a>,
    _unhurried: Option<SemaphorePermit<'a>>,
}

impl Window {
    /// A window with so many places. A quarter of them is reserved for urgent messages, at least
    /// one if there are two.
    pub(super) fn new(places: u16) -> Self {
        let places = usize::from(places);
        let kept = (places / 4).max(1).min(places - 1);
        Self { all: Semaphore::new(places), unhurried: Semaphore::new(places - kept) }
    }

    /// Waits for a place. `None` is never returned while the window exists.
    pub(super) async fn acquire(&self, urgent: bool) -> Option<WindowPermit<'_>> {
        let unhurried = if urgent { None } else { Some(self.unhurried.acquire().await.ok()?) };
        let place = self.all.acquire().await.ok()?;
        Some(WindowPermit { _place: place, _unhurried: unhurried })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[test]
    fn window_keeps_a_place_for_urgent_sms() {
        for (places, unhurried) in [(2, 1), (4, 3), (10, 8), (100, 75)] {
            let window = Window::new(places);
            let mut taken = Vec::new();
            while let Some(place) = window.acquire(false).now_or_never() {
                taken.push(place);
            }
            assert_eq!(taken.len(), unhurried, "of {places}");
            assert!(window.acquire(true).now_or_never().is_some(), "of {places}");
            drop(taken);
            assert!(window.acquire(false).now_or_never().is_some(), "of {places}");
        }
    }

    #[test]
    fn window_of_one_serves_all() {
        let window = Window::new(1);
        let only = window.acquire(false).now_or_never();
        assert!(only.is_some() && window.acquire(true).now_or_never().is_none());
        drop(only);
        assert!(window.acquire(true).now_or_never().is_some());
    }
}
