//! The rounds of the exchange: receive responses, make files and write them.

use super::exchange::FileExchange;
use super::spool::Spool;
use super::watched_spool::WatchedSpool;
use crate::call_trace::CallTrace;
use crate::config::Billing;
use crate::fault::Fault;
use crate::instruments::Alarm;
use std::sync::Arc;
use std::time::Duration;

/// Interval between rounds: no caller waits for a response, and a scan of the folder costs almost
/// nothing.
const ROUND: Duration = Duration::from_secs(15);

impl FileExchange {
    /// Makes a round at each interval, and does not end.
    pub async fn run(self: Arc<Self>, spool: Arc<dyn Spool>) {
        let spool = WatchedSpool::new(spool, Arc::clone(&self.instruments));
        loop {
            let round = CallTrace::begin_work(&*self.random, "billing-files", self.make_round(&spool));
            if let Err(fault) = round.await {
                tracing::error!(?fault, "billing files could not be processed");
            }
            if let Err(fault) = self.look_for_overdue_files().await {
                tracing::error!(?fault, "the billing files without a response could not be looked up");
            }
            tokio::time::sleep(ROUND).await;
        }
    }

    /// Receives billing's responses, makes a file if one is due, and writes the files that are not
    /// written yet. A failure of one step does not stop the others.
    pub async fn make_round(&self, spool: &dyn Spool) -> Result<(), Fault> {
        let received = self.receive_responses(spool).await;
        let closed = match self.billing.mode {
            Billing::Files => self.close_if_due().await,
            Billing::Csp => Ok(()),
        };
        let written = self.write_files(spool).await;
        received.and(closed).and(written)
    }

    /// Raises the alarm for each file that billing has not responded to in time.
    pub async fn look_for_overdue_files(&self) -> Result<(), Fault> {
        let (alarms, files) = (&self.instruments.alarms, self.overdue_files().await?);
        let mut is_news = false;
        for file in &files {
            is_news |= alarms.raise(Alarm::FileUnacknowledged, file);
        }
        if is_news {
            let (alarm, count, oldest) = (Alarm::FileUnacknowledged.as_str(), files.len(), &files[0]);
            tracing::error!(count, oldest, alarm, "billing has not answered a file in time");
        }
        alarms.clear_others(Alarm::FileUnacknowledged, &files);
        Ok(())
    }

    /// Lists files without a response for longer than the operator allows, oldest first. Their
    /// lines are never put into another file, because only billing knows what it has done with
    /// them.
    pub async fn overdue_files(&self) -> Result<Vec<String>, Fault> {
        let Some(settings) = &self.settings else { return Ok(Vec::new()) };
        let made_by = self.clock.now().plus_seconds(-3_600 * i64::from(settings.alarm_hours));
        Ok(self.store.list_unacknowledged_files(made_by).await?)
    }
}
