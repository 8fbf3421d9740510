//! Polling for conditions that have no callback, in real time.

use std::fmt::Display;
use std::time::Duration;

/// Only ends a test that hangs: what takes a second may take minutes on a busy machine.
const DEADLINE: Duration = Duration::from_mins(5);
/// Between two polls.
const POLL_EVERY: Duration = Duration::from_millis(10);

/// Polls until the condition holds.
pub async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    wait_until_none(async || (!is_so().await).then_some(what)).await;
}

/// Polls until there is nothing left to wait for. `find_missing` returns what is still missing.
///
/// # Panics
///
/// When something is still missing after some minutes.
pub async fn wait_until_none<Missing: Display>(mut find_missing: impl AsyncFnMut() -> Option<Missing>) {
    let waited = tokio::time::timeout(DEADLINE, async {
        while find_missing().await.is_some() {
            tokio::time::sleep(POLL_EVERY).await;
        }
    });
    if waited.await.is_err() {
        let missing = find_missing().await.map(|missing| missing.to_string());
        panic!("after {} s: {}", DEADLINE.as_secs(), missing.unwrap_or_default());
    }
}
