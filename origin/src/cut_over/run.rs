//! Turns PAIs on: many transactions at once, one for each PAI.

use crate::ambient::Clock;
use crate::store::{CutOverPaiResult, Store, StoreError};
use futures_util::StreamExt as _;
use futures_util::stream;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;

/// PAIs that are turned on or off between two pauses: they share commits, and charges wait for one batch at
/// most.
pub(super) const BATCH: usize = 64;

/// A cut-over of a partner's PAIs.
pub struct CutOver<'a> {
    pub store: &'a Store,
    pub clock: &'a dyn Clock,
    pub partner: PartnerId,
}

/// What a cut-over has done so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutOverReport {
    /// PAIs that were turned on.
    pub turned_on: u64,
    /// PAIs that were on before.
    pub on_before: u64,
}

/// Why PAIs are not turned on or off any further.
#[derive(Debug)]
pub enum SwitchError {
    Store(StoreError),
    /// Meanwhile a file is being loaded.
    LoadUnfinished,
}

impl From<StoreError> for SwitchError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl CutOver<'_> {
    /// Turns on all PAIs of the partner that are dark. A page begins after the last one, as PostgreSQL
    /// walks over index entries of PAIs that are on until it cleans them up. Those that were loaded
    /// meanwhile come in one more pass.
    pub async fn run_all(
        &self,
        report: &mut CutOverReport,
        mut progress: impl FnMut(&CutOverReport),
    ) -> Result<(), SwitchError> {
        let limit = u32::try_from(BATCH).unwrap_or(u32::MAX);
        let mut after = None;
        loop {
            let dark = self.store.list_dark_pais(self.partner.clone(), after, limit).await?;
            match (dark.last(), after) {
                (Some(last), _) => after = Some(*last),
                (None, Some(_)) => {
                    after = None;
                    continue;
                }
                (None, None) => return Ok(()),
            }
            self.turn_on(&dark, report).await?;
            progress(report);
        }
    }

    /// Turns on the PAIs of a cohort.
    pub async fn run_cohort(
        &self,
        cohort: &[Pai],
        report: &mut CutOverReport,
        mut progress: impl FnMut(&CutOverReport),
    ) -> Result<(), SwitchError> {
        for batch in cohort.chunks(BATCH) {
            self.turn_on(batch, report).await?;
            progress(report);
        }
        Ok(())
    }

    async fn turn_on(&self, batch: &[Pai], report: &mut CutOverReport) -> Result<(), SwitchError> {
        let turn_on = |pai: &Pai| self.store.cut_over_pai(self.clock.now(), self.partner.clone(), *pai);
        let mut turned =
            stream::iter(batch.iter().map(turn_on)).buffer_unordered(self.store.calls_at_once(BATCH).max(1));
        let mut failure = None;
        while let Some(outcome) = turned.next().await {
            match outcome {
                Ok(CutOverPaiResult::TurnedOn) => report.turned_on += 1,
                Ok(CutOverPaiResult::WasOn) => report.on_before += 1,
                Ok(CutOverPaiResult::LoadUnfinished) => {
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
