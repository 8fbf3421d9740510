//! `switch off`: turns off what was turned on.

use super::opening::{OpenedSwitch, SwitchArguments, explain_interruption};
use crate::cli::output::{print_error_line, print_line};
use crate::cli::verb_outcome::VerbOutcome;
use clap::Args;
use onbill_origin::ambient::SystemClock;
use onbill_origin::cut_over::{TurnOff, TurnOffReport};
use onbill_origin::store::SwitchAct;
use std::path::Path;

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
/// It does not begin (exit code 2) while a file is being loaded, or when the cohort has a line that is not a PAI of
/// the partner. Without a cohort it does not begin either when no PAI of the partner was loaded. A file whose load can
/// no longer come to its end is left out by --superseded. A load that begins meanwhile interrupts it. Exit code 0 when
/// all of them are dark, and 1 when some stay on.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    #[command(flatten)]
    switch: SwitchArguments,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let mut opened = OpenedSwitch::open(config, SwitchAct::TurnOff, self.switch).await?;
        let bar = opened.begin().await?;
        let (store, partner) = (&opened.store, opened.partner.clone());
        let turn_off = TurnOff { store, clock: &SystemClock, partner };
        let mut report = TurnOffReport::default();
        let progress = |report: &TurnOffReport| bar.set_position(report.count());
        let outcome = match &opened.cohort {
            Some(cohort) => turn_off.run_cohort(cohort.pais(), &mut report, progress).await,
            None => turn_off.run_all(&mut report, progress).await,
        };
        bar.finish_and_clear();
        print_line!("{} PAIs were turned off; {} were dark before.", report.turned_off, report.dark_before);
        if let Err(error) = outcome {
            print_error_line!(
                "It was interrupted. Mend what follows, and run it again: it goes on with the rest."
            );
            return Err(explain_interruption(error));
        }
        if report.under_way > 0 {
            print_error_line!(
                "{} PAIs stay on, because a charge or a refund is PENDING: run it again when billing has answered.",
                report.under_way
            );
        }
        let on = opened.count_to_change().await?;
        print_line!("{on} PAIs of this partner are on.");
        // Without a cohort these are all that stay on: a customer may have signed up meanwhile.
        Ok(VerbOutcome::findings_if(report.under_way > 0 || (opened.cohort.is_none() && on > 0)))
    }
}
