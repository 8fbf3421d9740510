//! How `switch cut-over` and `switch off` begin: their arguments, and what both check and record
//! before the first PAI is switched.

use super::cohort::CohortFile;
use super::loads::check_loads;
use super::partner::check_partner;
use crate::cli::acting::Acting;
use crate::cli::files::open_input;
use crate::cli::opening::{database_failed, open_store};
use crate::cli::problems::{ProblemArguments, ProblemSink};
use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use onbill_domain::ids::PartnerId;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::cut_over::SwitchError;
use onbill_origin::store::{AuditStamp, OpenMode, Store, SwitchAct};
use std::path::{Path, PathBuf};
use std::sync::Arc;

// No doc comment: clap would print it as that of the verb.
#[derive(Args)]
pub(super) struct SwitchArguments {
    /// The partner, such as netflix.
    #[arg(long, value_parser = crate::cli::arguments::parse_partner)]
    partner: PartnerId,
    /// Only these PAIs (CSV with a column pai; lines with another partner are left out).
    #[arg(long, value_name = "FILE")]
    cohort: Option<PathBuf>,
    /// Begin although the load of this file has not come to its end: a later file that was loaded has all of it.
    #[arg(long, value_name = "FILE")]
    superseded: Vec<PathBuf>,
    #[command(flatten)]
    problems: ProblemArguments,
    #[command(flatten)]
    acting: Acting,
}

/// A switch that has not begun.
pub(super) struct OpenedSwitch {
    pub(super) store: Arc<Store>,
    pub(super) partner: PartnerId,
    /// All PAIs of the partner without one.
    pub(super) cohort: Option<CohortFile>,
    /// What is wrong with its lines.
    problems: ProblemSink,
    act: SwitchAct,
    superseded: Vec<PathBuf>,
    stamp: AuditStamp,
}

impl OpenedSwitch {
    pub(super) async fn open(
        config: &Path,
        act: SwitchAct,
        arguments: SwitchArguments,
    ) -> anyhow::Result<Self> {
        let SwitchArguments { partner, cohort, superseded, problems, acting } = arguments;
        let (config, store) = open_store(config, OpenMode::Migrate).await?;
        check_partner(&config, &partner)?;
        let stamp = acting.into_stamp(&config)?;
        let cohort = cohort.map(|path| open_input(&path).map(|file| (path, file))).transpose()?;
        let mut problems = problems.open()?;
        let cohort = cohort.map(|opened| CohortFile::read(&partner, opened, &mut problems)).transpose()?;
        Ok(Self { store, partner, cohort, problems, act, superseded, stamp })
    }

    /// A switch begins with what is whole. Returns how many PAIs of the cohort are not as they are to be.
    pub(super) async fn check(&mut self) -> anyhow::Result<u64> {
        if self.act == SwitchAct::TurnOff && self.cohort.is_none() {
            let was_loaded =
                self.store.was_any_loaded(self.partner.clone()).await.map_err(database_failed)?;
            anyhow::ensure!(
                was_loaded,
                "no PAI of {0} was loaded, so no other system charges its customers. Name PAIs of {0} with --cohort, \
                 if you mean them",
                self.partner
            );
        }
        check_loads(&self.store, &self.superseded).await?;
        match &self.cohort {
            Some(cohort) => cohort.check(&self.store, self.act, &self.partner, &mut self.problems).await,
            None => Ok(0),
        }
    }

    /// Checks, and records in the audit how many PAIs are about to change. Returns a bar for them.
    pub(super) async fn begin(&mut self) -> anyhow::Result<ProgressBar> {
        let of_cohort = self.check().await?;
        let (planned, to_change) = if let Some(cohort) = &self.cohort {
            (cohort.pais().len() as u64, of_cohort)
        } else {
            let all = self.count_to_change().await?;
            (all, all)
        };
        let (now, stamp, partner) = (SystemClock.now(), self.stamp.clone(), self.partner.clone());
        self.store.record_switch(now, stamp, self.act, partner, to_change).await.map_err(database_failed)?;
        let style = "{bar:40} {percent:>3}% {human_pos} PAIs {per_sec} {eta} left";
        Ok(ProgressBar::new(planned).with_style(ProgressStyle::with_template(style)?))
    }

    /// PAIs of the partner that are not as they are to be: dark, or on.
    pub(super) async fn count_to_change(&self) -> anyhow::Result<u64> {
        let partner = self.partner.clone();
        let counted = match self.act {
            SwitchAct::CutOver => self.store.count_dark_pais(partner).await,
            SwitchAct::TurnOff => self.store.count_pais_that_are_on(partner).await,
        };
        counted.map_err(database_failed)
    }
}

pub(super) fn explain_interruption(error: SwitchError) -> anyhow::Error {
    match error {
        SwitchError::Store(error) => database_failed(error),
        SwitchError::LoadUnfinished => {
            anyhow!("a file is half loaded: run switch load to its end first, or load a later export")
        }
    }
}
