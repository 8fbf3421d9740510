//! The export of spans to a collector: a bounded queue, and a task that empties it. Nothing waits
//! for the collector. Spans that find no room, or that it does not take, are dropped and counted.

use super::otlp;
use super::span::FinishedSpan;
use crate::http::Peer;
use bytes::Bytes;
use http::Request;
use http::header::CONTENT_TYPE;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;

/// Spans that wait: some seconds of a busy origin, at a few KiB for each.
const WAITING_MAX: usize = 4096;
/// Spans in one call, some hundred KiB.
const BATCH_MAX: usize = 512;
/// How long a batch is gathered.
const BATCH_PAUSE: Duration = Duration::from_secs(1);
/// Dropped spans are reported in the log once in this time.
const REPORT_EVERY: Duration = Duration::from_mins(1);

/// Where spans wait for their export.
pub(super) struct SpanQueue {
    waiting: mpsc::Sender<FinishedSpan>,
    share: f64,
    dropped: AtomicU64,
}

impl SpanQueue {
    /// Puts a span in, if its trace is sampled and there is room.
    pub(super) fn put(&self, span: FinishedSpan) {
        if span.is_sampled(self.share) && self.waiting.try_send(span).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// The task that sends them.
pub(super) struct SpanExport {
    waiting: mpsc::Receiver<FinishedSpan>,
    queue: Arc<SpanQueue>,
    peer: Arc<dyn Peer>,
    url: String,
    operator: String,
}

impl SpanExport {
    pub(super) fn new(
        url: String,
        share: f64,
        operator: String,
        peer: Arc<dyn Peer>,
    ) -> (Arc<SpanQueue>, Self) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let queue = Arc::new(SpanQueue { waiting: sender, share, dropped: AtomicU64::new(0) });
        (Arc::clone(&queue), Self { waiting, queue, peer, url, operator })
    }

    /// Sends what waits, again and again, and does not end.
    pub(super) async fn run(mut self) {
        let mut report = tokio::time::interval(REPORT_EVERY);
        report.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            let mut batch = Vec::new();
            tokio::select! {
                _ = report.tick() => self.report_dropped(),
                _ = self.waiting.recv_many(&mut batch, BATCH_MAX) => {
                    tokio::time::sleep(BATCH_PAUSE).await;
                    while batch.len() < BATCH_MAX && let Ok(span) = self.waiting.try_recv() {
                        batch.push(span);
                    }
                    self.send(&batch).await;
                }
            }
        }
    }

    /// Sends a batch once: a collector that has not taken it may have it all the same.
    async fn send(&self, batch: &[FinishedSpan]) {
        let body = Bytes::from(otlp::encode_spans(&self.operator, batch));
        let request = Request::post(&self.url).header(CONTENT_TYPE, "application/json").body(body);
        let answer = match request {
            Ok(request) => self.peer.send(request).await.ok(),
            Err(_) => None,
        };
        if !answer.is_some_and(|answer| answer.status().is_success()) {
            self.queue.dropped.fetch_add(batch.len() as u64, Ordering::Relaxed);
        }
    }

    fn report_dropped(&self) {
        let dropped = self.queue.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::warn!(dropped, "spans were not exported: the collector takes none, or too few");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Unreachable;
    use async_trait::async_trait;
    use http::Response;
    use tokio::sync::Notify;

    const TRACE: &str = "0af7651916cd43dd84000000000000ff";

    /// A collector that takes calls and never answers.
    #[derive(Default)]
    struct Hangs(Notify);

    #[async_trait]
    impl Peer for Hangs {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
            self.0.notify_one();
            std::future::pending().await
        }
    }

    /// A collector that refuses what it gets.
    struct Refuses;

    #[async_trait]
    impl Peer for Refuses {
        async fn send(&self, _: Request<Bytes>) -> Result<Response<Bytes>, Unreachable> {
            Response::builder().status(400).body(Bytes::new()).map_err(|_| Unreachable)
        }
    }

    fn export_to(peer: Arc<dyn Peer>) -> (Arc<SpanQueue>, SpanExport) {
        SpanExport::new("http://127.0.0.1:4318/v1/traces".to_owned(), 1.0, "acme".to_owned(), peer)
    }

    #[tokio::test]
    async fn collector_that_hangs_costs_spans_and_no_time() {
        let collector = Arc::new(Hangs::default());
        let (queue, export) = export_to(collector.clone());
        let running = tokio::spawn(export.run());
        queue.put(FinishedSpan::of(TRACE, false));
        collector.0.notified().await;
        // From here on nothing is taken out.
        for _ in 0..WAITING_MAX + 7 {
            queue.put(FinishedSpan::of(TRACE, false));
        }
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 7);
        running.abort();
    }

    #[tokio::test]
    async fn refused_batch_is_counted() {
        let (queue, export) = export_to(Arc::new(Refuses));
        export.send(&[FinishedSpan::of(TRACE, false), FinishedSpan::of(TRACE, true)]).await;
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 2);
        export.report_dropped();
        assert_eq!(queue.dropped.load(Ordering::Relaxed), 0);
    }
}
