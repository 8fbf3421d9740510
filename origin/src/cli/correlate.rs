//! `correlate`: compares who pays for what with the lists of the partner and of the BSS.

use super::acting::Acting;
use super::files::{begin_bar, new_csv, open_input};
use super::opening::{database_failed, open_origin};
use super::output::print_line;
use super::problems::{ProblemArguments, ProblemSink};
use super::verb_outcome::VerbOutcome;
use anyhow::{Context as _, anyhow};
use clap::Args;
use indicatif::ProgressBar;
use onbill_domain::ids::PartnerId;
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::config::NumberPlan;
use onbill_origin::correlation::{
    Class, Correlation, CorrelationSummary, Difference, List, ListSide, Numbers,
};
use onbill_origin::keys::Vault;
use onbill_origin::store::OpenMode;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Differences that are listed on the terminal: as many as a person reads.
const LISTED_MAX: usize = 20;

/// Compare the subscriptions of the ledger with the lists of a partner and of your BSS.
///
/// The header of the partner's list names the columns pai and state, that of the BSS msisdn and state. Each may have
/// more, which are compared where a line has a value: ext_subscription_id (partner), subscriber_ref (BSS), plan, price
/// (whole minor units a month) and currency. State is ACTIVE, SUSPENDED or CLOSED; what has ended may be left out.
/// The columns may be in any order, and further ones are ignored.
///
/// Lines that cannot be read are counted, and the first are named on stderr with line and column. Differences go to the
/// file that --differences names, or the first of them to the terminal. The lists are held in memory, packed, and take
/// less of it than on disk. Have them made a short time before: what has changed since is a difference too.
///
/// Exit code 0 when all are the same, 1 when there are differences or unreadable lines, 2 when it could not run.
#[derive(Args)]
#[command(verbatim_doc_comment, after_long_help = list_classes())]
pub(super) struct Arguments {
    /// The partner, such as netflix.
    #[arg(long, default_value = "netflix", value_parser = super::arguments::parse_partner)]
    partner: PartnerId,
    /// The partner's list.
    #[arg(long, value_name = "FILE", required_unless_present = "bss_file")]
    partner_file: Option<PathBuf>,
    /// The list of your BSS.
    #[arg(long, value_name = "FILE")]
    bss_file: Option<PathBuf>,
    /// Write all differences there (CSV): side, class, PAI, line of the list, both values, and what --repair does.
    #[arg(long, value_name = "FILE")]
    differences: Option<PathBuf>,
    #[command(flatten)]
    problems: ProblemArguments,
    /// Send the states again that the partner should know.
    ///
    /// For each PAI that is missing in the partner's list or has another state there, the state is queued for the
    /// partner and for the edge, as after a change. No state, price or plan changes, and your BSS gets nothing: what
    /// differs there is for a person (by-hand). Each PAI has its entry in the audit. Nothing is sent when a line of the
    /// partner's list cannot be read, when the list is empty, or when there are more than --repairs-max.
    #[arg(long, verbatim_doc_comment, requires = "partner_file")]
    repair: bool,
    /// The most PAIs that --repair may send again. With the wrong list it would be all of them.
    #[arg(long, value_name = "COUNT", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repairs_max: u32,
    #[command(flatten)]
    acting: Acting,
}

fn list_classes() -> String {
    let classes = Class::ALL.map(|class| format!("  {:12}{}", class.as_str(), class.meaning()));
    format!("Classes of differences, on each side:\n{}", classes.join("\n"))
}

impl Arguments {
    pub(super) async fn run(self, config_path: &Path) -> anyhow::Result<VerbOutcome> {
        let mode = if self.repair { OpenMode::Migrate } else { OpenMode::ReadOnly };
        let (config, keys, store) = open_origin(config_path, mode).await?;
        let stamp = self.acting.into_stamp(&config)?;
        anyhow::ensure!(
            config.partner_ids().contains(&&self.partner),
            "{} is no partner of this operator",
            self.partner
        );
        let vault = Vault::new(&keys).map_err(anyhow::Error::msg)?;
        let plan = NumberPlan::for_country(&config.country).context("country has no numbering plan")?;
        let numbers = Numbers { vault: &vault, plan };
        let partner_list = self.partner_file.as_deref().map(open_list).transpose()?;
        let bss_list = self.bss_file.as_deref().map(open_list).transpose()?;
        let mut problems = self.problems.open()?;
        let mut sink = Sink::new(self.differences.as_deref())?;
        let mut read = |side, list| read_list(side, numbers, list, &mut problems);
        let partner_list = partner_list.map(|list| read(ListSide::Partner, list));
        let bss_list = bss_list.map(|list| read(ListSide::Bss, list));
        problems.finish()?;
        let (partner_list, bss_list) = (partner_list.transpose()?, bss_list.transpose()?);
        if self.repair {
            may_be_acted_on(partner_list.as_ref()).map_err(anyhow::Error::msg)?;
        }
        let lists: Vec<List> = partner_list.into_iter().chain(bss_list).collect();
        let unreadable: u64 = lists.iter().map(|list| list.unreadable).sum();
        let now = SystemClock.now();
        let correlation = Correlation {
            store: &store,
            partner: self.partner.clone(),
            today: config.time_zone.day_of(now),
            repairs_max: usize::try_from(self.repairs_max).unwrap_or(usize::MAX),
        };
        let bar = ProgressBar::no_length();
        let summary =
            correlation.run(lists, |difference| sink.add(difference), |pais| bar.set_position(pais)).await;
        bar.finish_and_clear();
        let summary = summary.map_err(database_failed)?;
        let listed = sink.finish()?;
        print_summary(&summary, unreadable);
        print_differences(&summary, &listed, self.differences.as_deref());
        if self.repair {
            anyhow::ensure!(
                summary.to_send.len() <= correlation.repairs_max,
                "there are more than {} PAIs to send again, so none was sent: is it the right list? --repairs-max raises the ceiling",
                correlation.repairs_max
            );
            let sent = correlation.send_again(&SystemClock, &stamp, &summary.to_send).await;
            print_line!("{} PAIs are queued to be sent again.", sent.map_err(database_failed)?);
        }
        Ok(VerbOutcome::findings_if(unreadable > 0 || summary.differences() > 0))
    }
}

/// A list that can be read.
struct OpenedList<'f> {
    path: &'f Path,
    file: File,
}

fn open_list(path: &Path) -> anyhow::Result<OpenedList<'_>> {
    Ok(OpenedList { path, file: open_input(path)? })
}

fn read_list(
    side: ListSide,
    numbers: Numbers<'_>,
    OpenedList { path, file }: OpenedList<'_>,
    problems: &mut ProblemSink,
) -> anyhow::Result<List> {
    let bar = begin_bar(&file)?;
    let complain = |problem| problems.complain(Some(&bar), path, &problem);
    let list = List::read(side, numbers, file, complain, |position| bar.set_position(position));
    bar.finish_and_clear();
    list.map_err(|complaint| anyhow!("{}: {complaint}", path.display()))
}

/// With a list that was not read as a whole, everything that it lacks would be sent again.
fn may_be_acted_on(list: Option<&List>) -> Result<(), &'static str> {
    match list {
        None => Err("--repair wants the partner's list"),
        Some(list) if list.unreadable > 0 => {
            Err("--repair wants a partner's list of which every line can be read: mend the others first")
        }
        Some(list) if list.lines == 0 => {
            Err("--repair wants a partner's list with lines: by an empty one the partner knows of nothing")
        }
        Some(_) => Ok(()),
    }
}

struct Sink {
    file: Option<csv::Writer<File>>,
    listed: Vec<Difference>,
    /// The first failed write. What comes after it is lost anyway.
    failed: Option<csv::Error>,
}

impl Sink {
    fn new(path: Option<&Path>) -> anyhow::Result<Self> {
        let mut file = path.map(new_csv).transpose()?;
        if let Some(file) = &mut file {
            file.write_record(Difference::HEADER).context("the differences cannot be written")?;
        }
        Ok(Self { file, listed: Vec::new(), failed: None })
    }

    fn add(&mut self, difference: Difference) {
        match &mut self.file {
            Some(file) if self.failed.is_none() => {
                self.failed = file.write_record(difference.to_csv_record()).err();
            }
            None if self.listed.len() < LISTED_MAX => self.listed.push(difference),
            Some(_) | None => {}
        }
    }

    fn finish(mut self) -> anyhow::Result<Vec<Difference>> {
        if let Some(failed) = self.failed {
            return Err(failed).context("the differences cannot be written");
        }
        if let Some(file) = &mut self.file {
            file.flush().context("the differences cannot be written")?;
        }
        Ok(self.listed)
    }
}

fn print_summary(summary: &CorrelationSummary, unreadable: u64) {
    print_line!("{} PAIs compared, {} of them live.", summary.pais, summary.live);
    if unreadable > 0 {
        print_line!("{unreadable} lines could not be read, and are compared with nothing.");
    }
    if summary.differences() == 0 {
        return print_line!("There is no difference.");
    }
    print_line!("\n{:12}{:>10}{:>10}", "differences", "partner", "bss");
    for class in Class::ALL {
        let [partner, bss] =
            ListSide::ALL.map(|side| summary.found.get(&(side, class)).copied().unwrap_or_default());
        if partner + bss > 0 {
            print_line!("{:12}{partner:>10}{bss:>10}  {}", class.as_str(), class.meaning());
        }
    }
}

fn print_differences(summary: &CorrelationSummary, listed: &[Difference], file: Option<&Path>) {
    let total = summary.differences();
    if let Some(file) = file {
        return print_line!("All differences are in {}.", file.display());
    }
    for difference in listed {
        print_line!("{}", format_difference(difference));
    }
    if total > listed.len() as u64 {
        print_line!("... and {} more: --differences FILE has them all.", total - listed.len() as u64);
    }
}

fn format_difference(difference: &Difference) -> String {
    let mut parts = vec![format!("{} at {}", difference.class.as_str(), difference.side.as_str())];
    parts.extend(difference.pai.map(|pai| pai.to_string()));
    parts.extend(difference.line.map(|line| format!("line {line}")));
    for (whose, value) in [("ours", &difference.ours), ("theirs", &difference.theirs)] {
        if !value.is_empty() {
            parts.push(format!("{whose} {value}"));
        }
    }
    parts.join(" | ")
}
