//! `switch cut-over`: turns on what was loaded.

use super::cohort::{check_cohort, open_cohort};
use super::loads::check_loads;
use super::partner::check_partner;
use crate::cli::acting::Acting;
use crate::cli::opening::{database_failed, open_origin};
use crate::cli::output::{print_error_line, print_line};
use crate::cli::verb_outcome::VerbOutcome;
use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::app::ledger_identity;
use onbill_origin::cut_over::{CutOver, CutOverError, CutOverReport};
use onbill_origin::keys::Vault;
use onbill_origin::store::{OpenMode, Store, SwitchAct};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The clock is read so often while a cut-over waits for its time, as it may be set meanwhile.
const CLOCK_SECONDS: i64 = 20;
/// A cut-over waits so long at most. A later one is begun on its day.
const WAIT_SECONDS_MAX: i64 = 86_400;
/// A time may have passed by so much: two clocks differ. What lies further back
/// is a wrong day, or was meant to be long before.
const PAST_SECONDS_MAX: i64 = 300;

/// Turn on the PAIs that were loaded: from then on, onbill takes their charges, and the edge learns of them.
///
/// Each PAI is turned on in a transaction of its own, whole or not at all. Where it was interrupted, run it again:
/// it goes on with those that are still dark. The serving origin then brings each to the edge, by its queue; until
/// then the edge asks the origin. The partner gets the state of those PAIs that have changed while they were dark,
/// and nothing else; no customer gets anything.
///
/// It does not begin (exit code 2) while a file is being loaded, or when the cohort has a line that is not a PAI
/// of the partner that was loaded. A file whose load can no longer come to its end is left out by --superseded.
/// A load that begins meanwhile interrupts it. Lines that the load has refused are counted on stderr, and do not
/// keep it from beginning. Exit code 0 when all of them are on.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The partner, such as netflix.
    #[arg(long, value_parser = crate::cli::arguments::parse_partner)]
    partner: PartnerId,
    /// Only these PAIs (CSV with a column pai; lines with another partner are left out).
    #[arg(long, value_name = "FILE")]
    cohort: Option<PathBuf>,
    /// Wait until then, within a day, such as 2026-12-01T02:00:00Z.
    #[arg(long, value_name = "TIME", value_parser = parse_time)]
    at: Option<Timestamp>,
    /// Cut over although the load of this file has not come to its end: a later file that was loaded has all of it.
    #[arg(long, value_name = "FILE")]
    superseded: Vec<String>,
    #[command(flatten)]
    acting: Acting,
}

fn parse_time(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse(text).ok_or("must be a time of the form 2026-12-01T02:00:00Z")
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys, store) = open_origin(config, OpenMode::Migrate).await?;
        check_partner(&config, &self.partner)?;
        let stamp = self.acting.into_stamp(&config)?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        ledger_identity::check_ledger_identity(&store, &config, &vault).await.map_err(anyhow::Error::msg)?;
        let cohort = self.cohort.as_deref().map(|path| open_cohort(&self.partner, path)).transpose()?;
        let (partner, superseded) = (&self.partner, &self.superseded);
        let check_all = async || check(&store, partner, cohort.as_deref(), superseded).await;
        let mut of_cohort = check_all().await?;
        if let Some(at) = self.at {
            wait_until(at).await?;
            // What was loaded meanwhile may not be whole.
            of_cohort = check_all().await?;
        }
        for (name, lines) in store.list_refused_lines().await.map_err(database_failed)? {
            print_error_line!("{lines} lines of {name} were refused");
        }
        let dark = store.count_dark_pais(self.partner.clone()).await.map_err(database_failed)?;
        let planned = cohort.as_ref().map_or(dark, |cohort| cohort.len() as u64);
        let to_change = if cohort.is_some() { of_cohort } else { dark };
        let now = SystemClock.now();
        let recorded = store.record_switch(now, stamp, SwitchAct::CutOver, self.partner.clone(), to_change);
        recorded.await.map_err(database_failed)?;
        let cut_over = CutOver { store: &store, clock: &SystemClock, partner: self.partner.clone() };
        let bar = ProgressBar::new(planned).with_style(ProgressStyle::with_template(
            "{bar:40} {percent:>3}% {human_pos} PAIs {per_sec} {eta} left",
        )?);
        let mut report = CutOverReport::default();
        let progress = |report: &CutOverReport| bar.set_position(report.turned_on + report.on_before);
        let outcome = match &cohort {
            Some(cohort) => cut_over.run_cohort(cohort, &mut report, progress).await,
            None => cut_over.run_all(&mut report, progress).await,
        };
        bar.finish_and_clear();
        print_line!("{} PAIs were turned on; {} were on before.", report.turned_on, report.on_before);
        if let Err(error) = outcome {
            print_error_line!("It was interrupted. Run it again to continue with the rest.");
            return Err(match error {
                CutOverError::Store(error) => database_failed(error),
                CutOverError::LoadUnfinished => {
                    anyhow!("a file is half loaded: run switch load to its end first, or load a later export")
                }
            });
        }
        let dark = store.count_dark_pais(self.partner).await.map_err(database_failed)?;
        print_line!("{dark} PAIs of this partner are dark.");
        Ok(VerbOutcome::Clean)
    }
}

/// A cut-over begins with what is whole. Returns how many PAIs of the cohort are dark.
async fn check(
    store: &Store,
    partner: &PartnerId,
    cohort: Option<&[Pai]>,
    superseded: &[String],
) -> anyhow::Result<u64> {
    check_loads(store, superseded).await?;
    check_cohort(store, SwitchAct::CutOver, partner, cohort.unwrap_or_default()).await
}

async fn wait_until(at: Timestamp) -> anyhow::Result<()> {
    let left = at.seconds_since(SystemClock.now());
    anyhow::ensure!(left <= WAIT_SECONDS_MAX, "--at must lie within a day");
    anyhow::ensure!(left >= -PAST_SECONDS_MAX, "--at is past: leave it out to begin now");
    if left > 0 {
        print_line!("Waiting until {at}.");
    }
    loop {
        let left = at.seconds_since(SystemClock.now()).clamp(0, CLOCK_SECONDS);
        match u64::try_from(left) {
            Ok(seconds) if seconds > 0 => tokio::time::sleep(Duration::from_secs(seconds)).await,
            _ => return Ok(()),
        }
    }
}
