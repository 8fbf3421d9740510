//! `import-accounts`: reads the operator's account file into the embedded table.

use super::acting::{Acting, record_command};
use super::files::open_file;
use super::opening::{database_failed, open_origin};
use super::output::print_line;
use super::problems::ProblemArguments;
use super::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use onbill_origin::account::import::{ImportError, TwoSubscribers, import_accounts};
use onbill_origin::config::NumberPlan;
use onbill_origin::keys::Vault;
use onbill_origin::store::OpenMode;
use std::path::{Path, PathBuf};

/// Read accounts from a CSV file into the embedded table.
///
/// The header is msisdn,status,type,balance,currency,activated_on. The status is active, suspended or
/// ceased, and the type is postpaid or prepaid. The balance is in whole minor units (1599 is 15.99), and may be
/// empty for postpaid accounts. All good lines are imported, and replace what was known of their numbers.
///
/// A line that cannot be read is left out, and reported by line and column. So are all lines that contradict
/// each other about a number. Two lines of one number that differ in activated_on are two subscribers: see
/// --latest.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The file (CSV, UTF-8).
    file: PathBuf,
    #[command(flatten)]
    problems: ProblemArguments,
    #[command(flatten)]
    acting: Acting,
    /// Of a number's lines that differ in activated_on, take the latest one: its subscriber is the present one.
    ///
    /// Every PAI of another subscriber of that number is closed permanently at its next charge.
    #[arg(long)]
    latest: bool,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let (config, keys, store) = open_origin(config, OpenMode::Migrate).await?;
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let numbers = NumberPlan::for_country(&config.country).context("country has no numbering plan")?;
        let (opened, bar) = open_file(&self.file)?;
        let mut problems = self.problems.open()?;
        record_command(&store, &config, self.acting, "import-accounts").await?;
        let complain = |problem| problems.complain(Some(&bar), &self.file, &problem);
        let two_subscribers =
            if self.latest { TwoSubscribers::LatestIsPresent } else { TwoSubscribers::Refused };
        let report =
            import_accounts(&store, &vault, numbers, two_subscribers, opened, complain, |position| {
                bar.set_position(position);
            })
            .await;
        bar.finish_and_clear();
        let finished = problems.finish();
        let report = report.map_err(|error| match error {
            ImportError::Header(complaint) => anyhow!("{}: {complaint}", self.file.display()),
            ImportError::Store(error) => database_failed(error),
        })?;
        print_line!("{} accounts imported, {} lines refused.", report.imported, report.refused);
        if report.earlier > 0 {
            print_line!("{} lines of earlier subscribers left out.", report.earlier);
        }
        finished?;
        Ok(VerbOutcome::findings_if(report.refused > 0))
    }
}
