//! Settings from the environment, and polling for conditions that have no callback.

use std::fmt::Display;
use std::time::Duration;

/// Only ends a test that hangs: what takes a second may take minutes on a busy machine.
const PATIENCE: Duration = Duration::from_mins(5);
/// Between two polls.
const LOOK: Duration = Duration::from_millis(20);

/// One test at a time: each needs the machine and the database for itself.
pub(crate) static TURN: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// A variable of the environment, unless it is empty.
#[expect(
    clippy::disallowed_methods,
    reason = "how far a test goes, and where, is for whoever runs it to say"
)]
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A numeric variable of the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    variable(name).map(|text| text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

/// Polls until there is nothing left to wait for. `look` returns what is still missing.
pub(crate) async fn until_nothing<What: Display>(mut look: impl AsyncFnMut() -> Option<What>) {
    let waited = tokio::time::timeout(PATIENCE, async {
        while look().await.is_some() {
            pause(LOOK).await;
        }
    });
    if waited.await.is_err() {
        let left = look().await.map(|what| what.to_string());
        panic!("after {} s: {}", PATIENCE.as_secs(), left.unwrap_or_default());
    }
}

/// Lets time pass. To wait for a certain condition, use [`until_nothing`].
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
