//! `account-events`: applies the operator's file of account events.

use super::acting::{Acting, record_command};
use super::files::open_file;
use super::opening::{database_failed, open_origin};
use super::output::print_line;
use super::problems::ProblemArguments;
use super::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use onbill_origin::account::import::ImportError;
use onbill_origin::alarm_watch;
use onbill_origin::ambient::{Clock as _, SystemClock, SystemRandom};
use onbill_origin::config::NumberPlan;
use onbill_origin::instruments::Instruments;
use onbill_origin::keys::Vault;
use onbill_origin::lifecycle::event_file::{EventImport, apply_event_file};
use onbill_origin::store::OpenMode;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Apply account events from a CSV file.
///
/// The header is event_id,type,msisdn,new_msisdn,occurred_at. The type is activated, suspended, resumed,
/// ceased, ported-out, ownership-changed, number-changed or sim-swapped. Only number-changed has a new_msisdn.
/// The time is in UTC (2026-11-18T09:30:00Z). Sort the lines by time, oldest first: they are applied in the
/// order of the file. An event that was applied before changes nothing.
///
/// A line that cannot be read is left out, and reported by line and column. So are lines that give one id to
/// different events. An event that gives a number to one subscriber while another has it is recorded, not
/// applied, and reported as well.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The file (CSV, UTF-8).
    file: PathBuf,
    #[command(flatten)]
    problems: ProblemArguments,
    #[command(flatten)]
    acting: Acting,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys, store) = open_origin(config, OpenMode::Migrate).await?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let numbers = NumberPlan::for_country(&config.country).context("country has no numbering plan")?;
        let (opened, bar) = open_file(&self.file)?;
        let mut problems = self.problems.open()?;
        record_command(&store, &config, self.acting, "account-events").await?;
        let instruments = Instruments::new(Arc::new(SystemClock));
        let import = EventImport {
            store: &store,
            vault: &vault,
            numbers,
            random: &SystemRandom,
            instruments: &instruments,
        };
        let complain = |problem| problems.complain(Some(&bar), &self.file, &problem);
        let now = || SystemClock.now();
        let report =
            apply_event_file(import, opened, now, complain, |position| bar.set_position(position)).await;
        bar.finish_and_clear();
        let finished = problems.finish();
        alarm_watch::write_alarms(&instruments, &store, &config).await.map_err(database_failed)?;
        let report = report.map_err(|error| match error {
            ImportError::Header(complaint) => anyhow!("{}: {complaint}", self.file.display()),
            ImportError::Store(error) => database_failed(error),
        })?;
        print_line!(
            "{} events applied, {} older than what was known, {} of numbers that never signed up, {} contradictory, {} lines refused.",
            report.applied,
            report.superseded,
            report.no_subscriber,
            report.contradictory,
            report.refused
        );
        finished?;
        Ok(VerbOutcome::findings_if(report.refused + report.contradictory > 0))
    }
}
