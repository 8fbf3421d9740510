//! One reading of all series, as a page in the text form of OpenMetrics.

use super::Metrics;
use super::page::Page;
use super::process::ProcessFigures;
use super::series::{ALARM_ACTIVE, ALARM_WEBHOOKS, ALARMS_RAISED, BUILD, NOT_READY, READY, SCHEMA_VERSION};
use super::{database, ledger};
use crate::build_info;
use crate::instruments::{Alarm, Instruments};
use crate::store::{CommitMetrics, LedgerFigures, PoolStatus};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// The media type of the page.
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the page shows besides the origin's own counters.
pub(crate) struct Scrape {
    pub(crate) instruments: Arc<Instruments>,
    pub(crate) commits: Arc<CommitMetrics>,
    pub(crate) pool: PoolStatus,
    /// `None` with PostgreSQL.
    pub(crate) write_ahead_log_bytes: Option<u64>,
    /// `None` when they could not be read in time.
    pub(crate) figures: Option<LedgerFigures>,
    /// Each word that may say why the origin is not ready, and whether it does.
    pub(crate) not_ready: Vec<(&'static str, bool)>,
    pub(crate) schema_version: usize,
}

impl Scrape {
    /// Writes the page.
    pub(crate) fn render(self) -> Result<String, fmt::Error> {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(self));
        let mut page = String::new();
        text::encode(&mut page, &registry)?;
        Ok(page)
    }

    fn write_state(&self, page: &mut Page<'_>) -> fmt::Result {
        page.gauge(READY, i64::from(self.not_ready.iter().all(|(_, holds)| !holds)))?;
        page.gauges(NOT_READY, self.not_ready.iter().map(|(word, holds)| ([*word], i64::from(*holds))))?;
        page.info(BUILD, [build_info::VERSION, build_info::COMMIT.unwrap_or_default()])?;
        page.gauge(SCHEMA_VERSION, i64::try_from(self.schema_version).unwrap_or(i64::MAX))
    }

    fn write_alarms(&self, page: &mut Page<'_>) -> fmt::Result {
        let alarms = &self.instruments.alarms;
        let active = alarms.snapshot();
        let count = |alarm| active.iter().filter(|active| active.alarm == alarm).count();
        page.gauges(
            ALARM_ACTIVE,
            Alarm::ALL.into_iter().map(|alarm| {
                let count = i64::try_from(count(alarm)).unwrap_or(i64::MAX);
                ([alarm.as_str(), alarm.severity().as_str()], count)
            }),
        )?;
        let raised = Alarm::ALL.into_iter().map(|alarm| ([alarm.as_str()], alarms.raised_total(alarm)));
        page.counters(ALARMS_RAISED, raised)?;
        let webhook = alarms.webhook_counts();
        page.counters(
            ALARM_WEBHOOKS,
            [
                (["posted"], webhook.posted.load(Ordering::Relaxed)),
                (["failed"], webhook.failed.load(Ordering::Relaxed)),
                (["dropped"], webhook.dropped.load(Ordering::Relaxed)),
            ],
        )
    }
}

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page::new(encoder);
        self.write_state(&mut page)?;
        self.write_alarms(&mut page)?;
        let Metrics { charges, requests, csp, jobs, visits, redemptions, sms, webhooks, refusals } =
            &self.instruments.metrics;
        charges.write(&mut page)?;
        requests.write(&mut page)?;
        csp.write(&mut page)?;
        jobs.write(&mut page)?;
        visits.write(&mut page)?;
        redemptions.write(&mut page)?;
        sms.write(&mut page)?;
        webhooks.write(&mut page)?;
        refusals.write(&mut page)?;
        database::write(&mut page, &self.commits, self.pool, self.write_ahead_log_bytes)?;
        ledger::write(&mut page, self.figures.as_ref())?;
        match ProcessFigures::read() {
            Some(process) => process.write(&mut page),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Scrape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scrape").finish_non_exhaustive()
    }
}
