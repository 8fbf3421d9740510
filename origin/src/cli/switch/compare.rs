//! `switch compare`: lays what was loaded beside what the operator and the partner have.

use super::partner::check_partner;
use crate::cli::files::{new_csv, open_file};
use crate::cli::opening::{database_failed, open_app};
use crate::cli::output::{print_error_line, print_line};
use crate::cli::problems::ProblemArguments;
use crate::cli::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_origin::app::App;
use onbill_origin::correlation::{
    Class, Correlation, CorrelationSummary, Difference, List, ListSide, Numbers,
};
use onbill_origin::cut_over::{AccountComparison, AccountDifference, AccountError, AccountSummary};
use onbill_origin::fault::Failure;
use onbill_origin::store::OpenMode;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Differences that are listed on the terminal: as many as a person reads.
const LISTED_MAX: u64 = 20;

/// Compare what was loaded with the partner's list, or with your accounts. Nothing is changed.
///
/// With --partner-file, each PAI is compared with its line in the partner's list: missing, extra, state, plan, price,
/// subscriber (the partner's id of the subscription). `onbill-origin correlate --help` has the columns of the list.
///
/// With --accounts, the number of each open PAI is looked up in your accounts: missing, state, subscriber. By the CSP
/// API that is a call for each, as many at once as --at-once says, so that charges are served meanwhile. A call that
/// fails is made three times. Where the comparison was interrupted, --after goes on.
///
/// Exit code 0 when all are the same, 1 when there are differences, 2 when it could not run to its end.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// The partner, such as netflix.
    #[arg(long, value_parser = crate::cli::arguments::parse_partner)]
    partner: PartnerId,
    /// The partner's list.
    #[arg(long, value_name = "FILE", required_unless_present = "accounts")]
    partner_file: Option<PathBuf>,
    /// Compare with your accounts.
    #[arg(long)]
    accounts: bool,
    /// Look-ups at once.
    #[arg(long, value_name = "COUNT", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64), requires = "accounts")]
    at_once: u16,
    /// Go on after this PAI, which an interrupted comparison has named.
    #[arg(long, value_name = "PAI", value_parser = parse_pai, requires = "accounts")]
    after: Option<Pai>,
    /// Write all differences there (CSV): side, class, PAI, line of the list, and both values.
    #[arg(long, value_name = "FILE")]
    differences: Option<PathBuf>,
    #[command(flatten)]
    problems: ProblemArguments,
}

fn parse_pai(text: &str) -> Result<Pai, &'static str> {
    Pai::parse(text).ok_or("is not a PAI: 1 to 128 letters, digits and . _ ~ -")
}

/// A gateway that drops a call serves the next one, and one that restarts is back within seconds.
const PAUSES: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];

/// The first columns of [`Difference::HEADER`]: nothing is repaired here.
const COLUMNS: usize = 6;

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let app = open_app(config, OpenMode::ReadOnly).await?;
        check_partner(&app.config, &self.partner)?;
        let list = self.partner_file.as_deref().map(|path| self.read_list(&app, path)).transpose()?;
        let mut sink = Sink::new(self.differences.as_deref())?;
        let mut is_clean = true;
        if let Some(list) = list {
            is_clean &= self.compare_list(&app, list, &mut sink).await?;
        }
        let compared = if self.accounts { self.compare_accounts(&app, &mut sink).await } else { Ok(true) };
        // Also of an interrupted comparison: --after goes on, and finds no difference again.
        sink.finish()?;
        is_clean &= compared?;
        Ok(VerbOutcome::findings_if(!is_clean))
    }

    fn read_list(&self, app: &App, path: &Path) -> anyhow::Result<List> {
        let numbers = Numbers { vault: &app.vault, plan: app.numbers };
        let (file, bar) = open_file(path)?;
        let mut problems = self.problems.open()?;
        let complain = |problem| problems.complain(Some(&bar), path, &problem);
        let list = List::read(ListSide::Partner, numbers, file, complain, |at| bar.set_position(at));
        bar.finish_and_clear();
        problems.finish()?;
        list.map_err(|complaint| anyhow!("{}: {complaint}", path.display()))
    }

    async fn compare_list(&self, app: &App, list: List, sink: &mut Sink) -> anyhow::Result<bool> {
        let unreadable = list.unreadable;
        let correlation = Correlation {
            store: &app.store,
            partner: self.partner.clone(),
            today: app.config.time_zone.day_of(app.clock.now()),
            repairs_max: 0,
        };
        let bar = ProgressBar::no_length();
        let summary = correlation
            .run(vec![list], |difference| sink.add(&difference), |pais| bar.set_position(pais))
            .await;
        bar.finish_and_clear();
        let summary = summary.map_err(database_failed)?;
        print_list_summary(&summary, unreadable);
        Ok(unreadable == 0 && summary.differences() == 0)
    }

    async fn compare_accounts(&self, app: &App, sink: &mut Sink) -> anyhow::Result<bool> {
        let comparison = AccountComparison {
            store: &app.store,
            vault: &app.vault,
            accounts: &app.accounts,
            partner: self.partner.clone(),
            today: app.config.time_zone.day_of(app.clock.now()),
            at_once: self.at_once.into(),
            pauses: PAUSES,
        };
        let mut summary = AccountSummary { through: self.after, ..AccountSummary::default() };
        let bar = ProgressBar::no_length();
        let comparing = comparison.run(
            &mut summary,
            |difference| sink.add(&of_accounts(&difference)),
            |summary| bar.set_position(summary.compared),
        );
        // It can take hours, so Ctrl-C loses no more than a page of it.
        let outcome = tokio::select! {
            outcome = comparing => outcome.map_err(explain),
            _ = tokio::signal::ctrl_c() => Err(anyhow!("it was ended by Ctrl-C")),
        };
        bar.finish_and_clear();
        let AccountSummary { compared, differences, through } = summary;
        print_line!("{compared} open PAIs compared with their accounts, {differences} differ.");
        if let Err(error) = outcome {
            if let Some(through) = through {
                print_error_line!("It was interrupted. Continue with --after {through}");
            }
            return Err(error);
        }
        Ok(differences == 0)
    }
}

/// The PAI is shown as in the log: an error goes further than a list of differences.
fn explain(error: AccountError) -> anyhow::Error {
    match error {
        AccountError::Store(error) => database_failed(error),
        AccountError::LookUp { pai, failure: Failure::Fault(fault) } => {
            anyhow!(
                "the account of {} could not be looked up, though it was asked for three times: {fault:?}. Go on when \
                 your API answers",
                pai.masked()
            )
        }
        AccountError::LookUp { pai, failure: Failure::Reject(_) } => {
            anyhow!("the account of {} could not be looked up", pai.masked())
        }
    }
}

/// The side is that of the operator's systems.
fn of_accounts(found: &AccountDifference) -> Difference {
    Difference {
        side: ListSide::Bss,
        class: found.class,
        pai: Some(found.pai),
        line: None,
        ours: found.ours.as_str().to_owned(),
        theirs: found.theirs.clone(),
        is_repairable: false,
    }
}

fn print_list_summary(summary: &CorrelationSummary, unreadable: u64) {
    print_line!("{} PAIs compared with the partner's list, {} of them live.", summary.pais, summary.live);
    if unreadable > 0 {
        print_line!("{unreadable} lines could not be read, and are compared with nothing.");
    }
    for class in Class::ALL {
        let count = summary.found.get(&(ListSide::Partner, class)).copied().unwrap_or_default();
        if count > 0 {
            print_line!("{:12}{count:>10}  {}", class.as_str(), class.meaning());
        }
    }
    if summary.differences() == 0 {
        print_line!("There is no difference.");
    }
}

/// Where the differences go: into a file, or the first of them to the terminal.
struct Sink {
    file: Option<csv::Writer<File>>,
    listed: u64,
    /// The first failed write. What comes after it is lost anyway.
    failed: Option<csv::Error>,
}

impl Sink {
    fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let mut file = path.map(new_csv).transpose()?;
        if let Some(file) = &mut file {
            file.write_record(&Difference::HEADER[..COLUMNS]).context("the differences cannot be written")?;
        }
        Ok(Self { file, listed: 0, failed: None })
    }

    fn add(&mut self, difference: &Difference) {
        let record = difference.to_csv_record();
        if let Some(file) = &mut self.file {
            if self.failed.is_none() {
                self.failed = file.write_record(&record[..COLUMNS]).err();
            }
            return;
        }
        self.listed += 1;
        if self.listed <= LISTED_MAX {
            let shown: Vec<&str> =
                record[..COLUMNS].iter().map(String::as_str).filter(|value| !value.is_empty()).collect();
            print_line!("{}", shown.join(" | "));
        }
    }

    fn finish(mut self) -> anyhow::Result<()> {
        if let Some(failed) = self.failed {
            return Err(failed).context("the differences cannot be written");
        }
        if let Some(file) = &mut self.file {
            file.flush().context("the differences cannot be written")?;
        }
        if self.listed > LISTED_MAX {
            print_line!("... and {} more: --differences FILE has them all.", self.listed - LISTED_MAX);
        }
        Ok(())
    }
}
