//! Waking the workers of the queue when there is something to do.

use tokio::sync::watch;

/// Wakes every worker of this process that waits. Those of another process look at the queue by themselves, within seconds.
#[derive(Clone, Debug)]
pub struct WakeUp {
    sender: watch::Sender<()>,
}

impl WakeUp {
    /// With no worker yet.
    pub(crate) fn new() -> Self {
        Self { sender: watch::Sender::new(()) }
    }

    /// Has each worker look at its queue: a job was put in.
    pub fn wake_queue(&self) {
        self.sender.send_replace(());
    }

    /// For a worker to wait by.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.sender.subscribe()
    }
}
