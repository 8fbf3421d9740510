//! `erase`: lets the operator erase subscribers from the ledger.

use super::acting::Acting;
use super::files::open_input;
use super::opening::{database_failed, open_origin};
use super::output::print_line;
use super::problems::ProblemArguments;
use super::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::config::NumberPlan;
use onbill_origin::keys::Vault;
use onbill_origin::lifecycle::erasure_file::{ErasureFileError, erase_listed};
use onbill_origin::store::OpenMode;
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

/// Erase people: afterwards, nothing in the ledger leads from a PAI or a charge to their number.
///
/// The PAIs of the number's subscriber are closed permanently: charges decline with account-closed, and the partner
/// gets the webhook CLOSED. Charges, refunds and totals stay. A customer who signs up with the number later is a new
/// subscriber. A number in a file that is being written for billing goes some minutes later.
///
/// You cannot undo this, so check the list twice. Numbers are read from a file or from standard input, one on each
/// line: on the command line, every user of the machine could read them. A line that is not a number, or whose
/// number is not on record, is reported by its place, with exit code 1.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The list of numbers, or - for standard input.
    #[arg(value_name = "FILE")]
    list: PathBuf,
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
        let name = self.list.display();
        let list: Box<dyn Read + Send> = if self.list == Path::new("-") {
            Box::new(io::stdin())
        } else {
            Box::new(open_input(&self.list)?)
        };
        let now = || SystemClock.now();
        let stamp = self.acting.into_stamp(&config)?;
        let mut problems = self.problems.open()?;
        let complain = |problem| problems.complain(None, &self.list, &problem);
        let report = erase_listed(&store, &vault, numbers, &stamp, BufReader::new(list), now, complain).await;
        let finished = problems.finish();
        let report = report.map_err(|stopped| match stopped {
            ErasureFileError::Unreadable(error) => anyhow!("{name} cannot be read on: {error}"),
            ErasureFileError::Store(error) => database_failed(error),
        })?;
        print_line!(
            "{} numbers erased, {} to be erased with a file that is being written, {} not on record, {} lines refused.",
            report.erased,
            report.erasing,
            report.not_found,
            report.refused
        );
        finished?;
        Ok(VerbOutcome::findings_if(report.refused + report.not_found > 0))
    }
}
