//! Wakes the workers of the queue when a job is due.

use crate::store::Queue;
use std::sync::Arc;
use tokio::sync::watch;

/// Wakes the waiting workers of this process, by their queues: a worker that is woken for nothing
/// still asks the database. Workers of another process poll the queue themselves, within seconds.
#[derive(Clone, Debug)]
pub struct WakeUp {
    senders: Arc<[(Queue, watch::Sender<()>)]>,
}

impl WakeUp {
    /// Starts with no worker subscribed.
    pub(crate) fn new() -> Self {
        Self { senders: Queue::EACH.map(|queue| (queue, watch::Sender::new(()))).into() }
    }

    /// Makes the worker of a queue poll it, because a job was added.
    pub fn wake(&self, queue: Queue) {
        for (_, sender) in self.senders.iter().filter(|(each, _)| queue == Queue::All || *each == queue) {
            sender.send_replace(());
        }
    }

    /// Makes the workers of these queues poll them.
    pub(crate) fn wake_each(&self, queues: &[Queue]) {
        for queue in queues {
            self.wake(*queue);
        }
    }

    /// Returns the receiver on which the worker of a queue waits. [`Queue::All`] has no worker.
    pub(super) fn subscribe(&self, queue: Queue) -> watch::Receiver<()> {
        let sender = self.senders.iter().find(|(each, _)| *each == queue);
        sender.expect("Queue::EACH lists every queue that has a worker").1.subscribe()
    }
}
