//! Wakes the workers of the queue when a job is due.

use tokio::sync::watch;

/// Wakes every waiting worker of this process. Workers of another process poll the queue
/// themselves, within seconds.
#[derive(Clone, Debug)]
pub struct WakeUp {
    sender: watch::Sender<()>,
}

impl WakeUp {
    /// Starts with no worker subscribed.
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(()) }
    }

    /// Makes each worker poll its queue, because a job was added.
    pub fn wake_queue(&self) {
        self.sender.send_replace(());
    }

    /// Returns the receiver on which a worker waits.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.sender.subscribe()
    }
}
