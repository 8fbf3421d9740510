//! Turns PAIs off again, for another system to charge them: one transaction for each PAI.

use super::run::{BATCH, SwitchError};
use crate::ambient::Clock;
use crate::store::{Store, TurnOffPaiResult};
use futures_util::StreamExt as _;
use futures_util::stream;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;

/// PAIs that are read at once, of which some may be dark or another partner's.
const PAGE: u32 = 512;

/// PAIs of a partner that are turned off.
pub struct TurnOff<'a> {
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    pub partner: PartnerId,
}

/// What was done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TurnOffReport {
    /// PAIs that are dark from now on.
    pub turned_off: u64,
    /// PAIs that were dark before.
    pub dark_before: u64,
    /// PAIs that stay on, because a charge or a refund is under way.
    pub under_way: u64,
}

impl TurnOffReport {
    /// PAIs that it has looked at.
    pub fn count(&self) -> u64 {
        self.turned_off + self.dark_before + self.under_way
    }
}

impl TurnOff<'_> {
    /// Turns off all PAIs of the partner, in their order. One that is issued meanwhile may stay on: the caller
    /// counts those that do.
    pub async fn run_all(
        &self,
        report: &mut TurnOffReport,
        mut progress: impl FnMut(&TurnOffReport),
    ) -> Result<(), SwitchError> {
        let mut after = None;
        loop {
            let page = self.store.list_switchable_pais(self.partner.clone(), after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.pai);
            let on: Vec<Pai> = page.iter().filter(|each| each.is_on).map(|each| each.pai).collect();
            for batch in on.chunks(BATCH) {
                self.turn_off(batch, report).await?;
                progress(report);
            }
        }
    }

    /// Turns off the PAIs of a cohort.
    pub async fn run_cohort(
        &self,
        cohort: &[Pai],
        report: &mut TurnOffReport,
        mut progress: impl FnMut(&TurnOffReport),
    ) -> Result<(), SwitchError> {
        for batch in cohort.chunks(BATCH) {
            self.turn_off(batch, report).await?;
            progress(report);
        }
        Ok(())
    }

    async fn turn_off(&self, batch: &[Pai], report: &mut TurnOffReport) -> Result<(), SwitchError> {
        let turn_off = |pai: &Pai| self.store.turn_off_pai(self.clock.now(), self.partner.clone(), *pai);
        let mut turned =
            stream::iter(batch.iter().map(turn_off)).buffer_unordered(self.store.calls_at_once(BATCH).max(1));
        let mut failure = None;
        while let Some(outcome) = turned.next().await {
            match outcome {
                Ok(TurnOffPaiResult::TurnedOff) => report.turned_off += 1,
                Ok(TurnOffPaiResult::WasDark) => report.dark_before += 1,
                Ok(TurnOffPaiResult::UnderWay) => report.under_way += 1,
                Ok(TurnOffPaiResult::LoadUnfinished) => {
                    failure = failure.or(Some(SwitchError::LoadUnfinished));
                }
                Err(error) => failure = failure.or(Some(error.into())),
            }
        }
        if let Some(error) = failure {
            return Err(error);
        }
        self.store.let_others_write().await;
        Ok(())
    }
}
