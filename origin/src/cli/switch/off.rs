//! `switch off`: turns off what was turned on.

use super::cohort::{check_cohort, open_cohort};
use super::loads::check_loads;
use super::partner::check_partner;
use crate::cli::acting::Acting;
use crate::cli::opening::{database_failed, open_origin};
use crate::cli::output::{print_error_line, print_line};
use crate::cli::verb_outcome::VerbOutcome;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use onbill_domain::ids::PartnerId;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::app::ledger_identity;
use onbill_origin::cut_over::{TurnOff, TurnOffReport};
use onbill_origin::keys::Vault;
use onbill_origin::store::{OpenMode, SwitchAct};
use std::path::{Path, PathBuf};

/// Turn PAIs off again: they are dark, as before the cut-over, and another system can charge them.
///
/// It takes all PAIs of the partner, and those that customers have got here too. From then on their charges and
/// refunds get 503, so let the partner stop its calls first. Run back afterwards: its files have all that has
/// happened here. A later load and cut-over turn them on again.
///
/// Each PAI is turned off in a transaction of its own, whole or not at all. Where it was interrupted, run it again.
/// A PAI stays on while a charge or a refund of it is PENDING. No one is informed, and nothing is taken from the
/// edge: it asks the origin, which answers 503.
///
/// It does not begin (exit code 2) while a file is being loaded, or when the cohort has a line that is not a PAI
/// of the partner. A file whose load can no longer come to its end is left out by --superseded.
/// Exit code 0 when all of them are dark, and 1 when some stay on.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The partner, such as netflix.
    #[arg(long, value_parser = crate::cli::arguments::parse_partner)]
    partner: PartnerId,
    /// Only these PAIs (CSV with a column pai; lines with another partner are left out).
    #[arg(long, value_name = "FILE")]
    cohort: Option<PathBuf>,
    /// Turn off although the load of this file has not come to its end: a later file that was loaded has all of it.
    #[arg(long, value_name = "FILE")]
    superseded: Vec<String>,
    #[command(flatten)]
    acting: Acting,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys, store) = open_origin(config, OpenMode::Migrate).await?;
        check_partner(&config, &self.partner)?;
        let stamp = self.acting.into_stamp(&config)?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        ledger_identity::check_ledger_identity(&store, &config, &vault).await.map_err(anyhow::Error::msg)?;
        let cohort = self.cohort.as_deref().map(|path| open_cohort(&self.partner, path)).transpose()?;
        check_loads(&store, &self.superseded).await?;
        let act = SwitchAct::TurnOff;
        let of_cohort =
            check_cohort(&store, act, &self.partner, cohort.as_deref().unwrap_or_default()).await?;
        let on = store.count_pais_that_are_on(self.partner.clone()).await.map_err(database_failed)?;
        let planned = cohort.as_ref().map_or(on, |cohort| cohort.len() as u64);
        let to_change = if cohort.is_some() { of_cohort } else { on };
        let now = SystemClock.now();
        let recorded = store.record_switch(now, stamp, act, self.partner.clone(), to_change);
        recorded.await.map_err(database_failed)?;
        let turn_off = TurnOff { store: &store, clock: &SystemClock, partner: self.partner.clone() };
        let bar = ProgressBar::new(planned).with_style(ProgressStyle::with_template(
            "{bar:40} {percent:>3}% {human_pos} PAIs {per_sec} {eta} left",
        )?);
        let mut report = TurnOffReport::default();
        let progress = |report: &TurnOffReport| bar.set_position(report.count());
        let outcome = match &cohort {
            Some(cohort) => turn_off.run_cohort(cohort, &mut report, progress).await,
            None => turn_off.run_all(&mut report, progress).await,
        };
        bar.finish_and_clear();
        print_line!("{} PAIs were turned off; {} were dark before.", report.turned_off, report.dark_before);
        if let Err(error) = outcome {
            print_error_line!("It was interrupted. Run it again to continue with the rest.");
            return Err(database_failed(error));
        }
        if report.under_way > 0 {
            print_error_line!(
                "{} PAIs stay on, because a charge or a refund is PENDING: run it again when billing has answered.",
                report.under_way
            );
        }
        let on = store.count_pais_that_are_on(self.partner).await.map_err(database_failed)?;
        print_line!("{on} PAIs of this partner are on.");
        // Without a cohort these are all that stay on: a customer may have signed up meanwhile.
        Ok(VerbOutcome::findings_if(report.under_way > 0 || (cohort.is_none() && on > 0)))
    }
}
