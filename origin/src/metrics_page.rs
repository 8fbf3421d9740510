//! Collects what `/metrics` shows: the origin's own counters, and figures of the ledger.
//!
//! Whatever the database does, the page is there within five seconds. Figures are read at most every
//! [`FRESH_SECONDS`], by one read at a time: however often it is asked for, and also if no read comes
//! back, the database has no more to do for it than that.

use crate::ambient::Clock;
use crate::fault::Fault;
use crate::instruments::{Instruments, Scrape};
use crate::readiness::Readiness;
use crate::store::{LedgerFigures, SCHEMA_VERSION, Store};
use onbill_domain::timestamp::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// For so long figures are shown again. Prometheus asks every fifteen seconds or more seldom.
const FRESH_SECONDS: i64 = 5;
/// How long a scrape waits for figures. Then it answers without them.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) struct MetricsPage {
    store: Arc<Store>,
    readiness: Arc<Readiness>,
    clock: Arc<dyn Clock>,
    instruments: Arc<Instruments>,
    /// The latest figures, and when they were read.
    latest: Mutex<Option<(Timestamp, LedgerFigures)>>,
    /// The read that is under way has it.
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl MetricsPage {
    pub(crate) fn new(
        store: Arc<Store>,
        readiness: Arc<Readiness>,
        clock: Arc<dyn Clock>,
        instruments: Arc<Instruments>,
    ) -> Self {
        Self { store, readiness, clock, instruments, latest: Mutex::default(), turn: Arc::default() }
    }

    /// The page of this moment.
    pub(crate) async fn render(self: &Arc<Self>) -> Result<String, Fault> {
        let figures = self.find_figures().await;
        let reasons = self.readiness.reasons();
        let scrape = Scrape {
            instruments: Arc::clone(&self.instruments),
            commits: Arc::clone(self.store.commits()),
            pool: self.store.pool_status(),
            write_ahead_log_bytes: self.store.write_ahead_log_bytes(),
            figures,
            not_ready: reasons.map(|(reason, holds)| (reason.as_str(), holds)).to_vec(),
            schema_version: SCHEMA_VERSION,
        };
        scrape.render().map_err(|_| Fault::Broken("the metrics cannot be written"))
    }

    /// Figures that are fresh; `None` when they cannot be read in time.
    async fn find_figures(self: &Arc<Self>) -> Option<LedgerFigures> {
        if let Some(figures) = self.find_fresh() {
            return Some(figures);
        }
        if let Ok(turn) = Arc::clone(&self.turn).try_lock_owned() {
            let page = Arc::clone(self);
            // A task of its own: a scrape that is cancelled leaves no second read behind.
            tokio::spawn(async move {
                page.read_figures().await;
                drop(turn);
            });
        }
        let read = tokio::time::timeout(PATIENCE, self.turn.lock()).await;
        if read.is_err() {
            tracing::warn!("the figures of the ledger for the metrics take too long");
        }
        self.find_fresh()
    }

    async fn read_figures(&self) {
        let now = self.clock.now();
        match self.store.read_figures(now).await {
            Ok(figures) => {
                *self.latest.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, figures));
            }
            Err(error) => tracing::warn!(fault = ?error, "the figures of the ledger could not be read"),
        }
    }

    /// A clock that was set back makes nothing fresh for longer.
    fn find_fresh(&self) -> Option<LedgerFigures> {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let (read_at, figures) = latest.as_ref()?;
        let age = self.clock.now().seconds_since(*read_at);
        (0..FRESH_SECONDS).contains(&age).then(|| figures.clone())
    }
}
