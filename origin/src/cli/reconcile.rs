//! `reconcile`: compares the ledger with the partner's statement and billing's extract.

mod finding_sink;
mod report;

use super::adopt::adopt_lost;
use super::files::{begin_bar, open_input};
use super::opening::{database_failed, open_store};
use super::output::print_line;
use super::period::PeriodArguments;
use super::problems::{ProblemArguments, ProblemSink};
use super::verb_outcome::VerbOutcome;
use anyhow::anyhow;
use clap::Args;
use finding_sink::FindingSink;
use indicatif::{ProgressBar, ProgressStyle};
use onbill_origin::ambient::{Clock as _, SystemClock};
use onbill_origin::reconciliation::Side;
use onbill_origin::reconciliation::file::ReportedLedger;
use onbill_origin::reconciliation::{
    Cause, Finding, FindingsToKeep, KeptReconciliation, Reconciliation, Repair, Summary,
};
use onbill_origin::store::{KeptReport, OpenMode, ReportKind, Store};
use report::{describe_conclusion, print_findings, print_sums};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Compare the ledger with the partner's statement and with billing's extract.
///
/// Both files are CSV (UTF-8) with a header; columns are found by name, in any order, and further ones are not
/// looked at. Amounts are whole minor units above nothing (1599 is 15.99), for refunds too. No numbers are needed.
///
///   statement  kind,extTransactionID,extRefundID,pai,amount_minor,currency,status
///              kind is charge or refund; extRefundID is empty for a charge; pai may be empty for a refund;
///              status is APPROVED, PENDING or DECLINED
///   extract    kind,transactionID,refundID,amount_minor,currency
///              The ids are those that we posted to billing. refundID is empty for a charge. Lines of other
///              partners in the configuration are recognised and left out of the sums (other-partner).
///              With the column chargeCode, the code that each line was booked under is compared too.
///
/// A charge or refund is in the period in which it was posted to us. Let both files reach some days beyond it at
/// both ends: what lies outside is recognised by its id, compared, and left out of the sums (other-period), so that
/// clocks that differ make no findings. Charges that another system has posted before a cut-over are recognised and
/// left out too (other-system). What is declined or pending need not be in the statement. Refunds of the
/// operator's desks must be there too, under our refundID as extRefundID: the partner knows them.
///
/// Lines that cannot be read are counted, and the first are named on stderr with line and column. Findings go to the
/// file that --findings names, or the first of them to the terminal. The files are held in memory, some 50 bytes a
/// line.
///
/// Exit code 0 when nothing is wrong, 1 when there are findings or unreadable lines, 2 when it could not run.
#[derive(Args)]
#[command(verbatim_doc_comment, after_long_help = list_causes())]
pub(super) struct Arguments {
    #[command(flatten)]
    period: PeriodArguments,
    /// The partner's statement.
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
    /// Billing's extract.
    #[arg(long, value_name = "FILE")]
    billing: PathBuf,
    /// Write all findings there (CSV). A line has cause, ids, the amounts of all three sources in minor units, the
    /// lines in the files, and what --repair did. It also says whether the partner or the operator (by its desks) has
    /// asked for a refund.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    findings: Option<PathBuf>,
    #[command(flatten)]
    problems: ProblemArguments,
    /// Repair what another look-up or another webhook can repair, and report for each finding what was done.
    ///
    /// The job of a pending charge or refund is redriven, and asks billing by id before it posts anything; a job
    /// that is missing is put back. Where something is settled here and pending at the partner, the webhook is sent
    /// again (when the configuration has the partner's url). Everything else is left to a person (by-hand): no
    /// amount and no outcome is ever changed. A second run finds everything under way and does nothing, except that
    /// a webhook that was delivered meanwhile is sent once more while the statement is an old one. It does not run
    /// (exit code 2) with an empty statement, or with a file that has lines that cannot be read.
    #[arg(long, verbatim_doc_comment)]
    repair: bool,
    /// Record what a restored database has lost, then compare.
    ///
    /// For a database that is served with --recovering. The statement needs the columns description, period_from and
    /// period_to. It may have tax_minor, reason (of a refund) and extReference (of a coupon's redemption). The
    /// extract may have msisdn, by which a PAI that was lost finds its subscriber again. Let both files begin before
    /// the copy of the database, and first read in the account events since then. Charges and refunds are found on
    /// the bill by the ids that follow from the partner's. What is not on it is submitted again, after billing was
    /// asked for its id. What could not be adopted is listed with the reason. You may run it again.
    #[arg(long, verbatim_doc_comment, conflicts_with = "repair")]
    adopt: bool,
    /// Keep sums and findings in the ledger, where the console shows them. They take the place of those that were
    /// kept of the same partner and days. Up to 10000 findings are kept.
    #[arg(long, verbatim_doc_comment)]
    keep: bool,
    /// For how many hours an outcome may be unknown before that is a finding.
    #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(i64).range(0..=87_600))]
    pending_hours: i64,
}

fn list_causes() -> String {
    let causes = Cause::ALL.map(|cause| format!("  {cause:34}{}", cause.meaning()));
    format!("Causes of findings (of charges and of refunds):\n{}", causes.join("\n"))
}

impl Arguments {
    pub(super) async fn run(self, config_path: &Path) -> anyhow::Result<VerbOutcome> {
        let mode = if self.repair || self.keep { OpenMode::Migrate } else { OpenMode::ReadOnly };
        let (config, store) = open_store(config_path, mode).await?;
        let period = self.period.to_period(&config)?;
        let (statement, extract) = (open_input(&self.statement)?, open_input(&self.billing)?);
        let mut problems = self.problems.open()?;
        let mut sink = FindingSink::new(self.findings.as_deref())?;
        let statement = read_file(Side::Partner, self.adopt, &self.statement, statement, &mut problems);
        let extract = read_file(Side::Bill, self.adopt, &self.billing, extract, &mut problems);
        problems.finish()?;
        let (statement, extract) = (statement?, extract?);
        let unreadable = statement.unreadable + extract.unreadable;
        if self.repair {
            may_be_acted_on(&statement, &extract).map_err(anyhow::Error::msg)?;
        }
        let is_left = if self.adopt {
            adopt_lost(config_path, &self.period.partner, &statement, &extract).await?
        } else {
            false
        };
        let informs_partner = config.partner_url(&self.period.partner).is_some();
        let job = Reconciliation {
            store: &store,
            partner: self.period.partner.clone(),
            others: config
                .partner_ids()
                .into_iter()
                .filter(|id| **id != self.period.partner)
                .cloned()
                .collect(),
            period,
            clock: &SystemClock,
            pending_seconds_max: self.pending_hours * 3600,
            repair: self.repair.then_some(Repair { informs_partner }),
        };
        // How many lines our ledger has is not known before; the longer file is a good estimate.
        let bar = ProgressBar::new(statement.lines.max(extract.lines)).with_style(
            ProgressStyle::with_template("{bar:40} {percent:>3}% {human_pos} lines {per_sec} {eta} left")?,
        );
        let mut to_keep = FindingsToKeep::default();
        let on_finding = |finding: Finding| {
            to_keep.add(&finding);
            sink.add_finding(finding);
        };
        let summary = job.run(statement, extract, on_finding, |lines| bar.set_position(lines)).await;
        bar.finish_and_clear();
        let summary = summary.map_err(database_failed)?;
        let sink = sink.finish()?;
        if self.keep {
            self.keep_report(&store, &summary, unreadable, to_keep).await?;
        }
        print_line!("{}", self.period.title(period, SystemClock.now()));
        print_sums(&summary);
        print_findings(&summary, &sink, self.findings.as_deref());
        if unreadable > 0 {
            print_line!("\n{unreadable} lines could not be read, and are compared with nothing.");
        }
        print_line!("\n{}", describe_conclusion(&summary, unreadable));
        Ok(VerbOutcome::findings_if(is_left || unreadable > 0 || summary.discrepancies() > 0))
    }
}

impl Arguments {
    async fn keep_report(
        &self,
        store: &Store,
        summary: &Summary,
        unreadable: u64,
        findings: FindingsToKeep,
    ) -> anyhow::Result<()> {
        let report = KeptReport {
            kind: ReportKind::Reconciliation,
            partner: self.period.partner.clone(),
            from: self.period.from,
            to: self.period.to,
            made_at: SystemClock.now(),
            report: serde_json::to_string(&KeptReconciliation::of(summary, unreadable))?,
        };
        store.keep_report(report, findings.into_kept()).await.map_err(database_failed)
    }
}

fn read_file(
    side: Side,
    with_details: bool,
    path: &Path,
    file: File,
    problems: &mut ProblemSink,
) -> anyhow::Result<ReportedLedger> {
    let bar = begin_bar(&file)?;
    let complain = |problem| problems.complain(Some(&bar), path, &problem);
    let progress = |position| bar.set_position(position);
    let ledger = if with_details {
        ReportedLedger::read_with_details(side, file, complain, progress)
    } else {
        ReportedLedger::read(side, file, complain, progress)
    };
    bar.finish_and_clear();
    ledger.map_err(|complaint| anyhow!("{}: {complaint}", path.display()))
}

/// A repair queries billing and notifies the partner about everything that the files do not
/// contain. With a wrong file that would be everything.
fn may_be_acted_on(statement: &ReportedLedger, extract: &ReportedLedger) -> Result<(), &'static str> {
    if statement.unreadable + extract.unreadable > 0 {
        return Err("--repair wants files of which every line can be read: mend the others first");
    }
    if statement.lines == 0 {
        return Err("--repair wants a statement with lines: by an empty one the partner knows of nothing");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partially_read_file_repairs_nothing() {
        const STATEMENT: &str = "kind,extTransactionID,extRefundID,pai,amount_minor,currency,status\n";
        const EXTRACT: &str = "kind,transactionID,refundID,amount_minor,currency\n";
        let may_be_acted_on = |statement: &str, extract: &str| {
            let read = |side, text: String| {
                ReportedLedger::read(side, text.as_bytes(), |_| {}, |_| {}).expect("has a header")
            };
            let statement = read(Side::Partner, format!("{STATEMENT}{statement}"));
            may_be_acted_on(&statement, &read(Side::Bill, format!("{EXTRACT}{extract}"))).is_ok()
        };
        let line = "charge,c-1,,9b2f4f0e-5b0a-4c56-9d0e-2f6f1c1a2b3c,1599,USD,APPROVED\n";
        assert!(may_be_acted_on(line, ""), "a month may have no bill yet");
        assert!(!may_be_acted_on("", "charge,t-1,,1599,USD\n"));
        assert!(!may_be_acted_on(&format!("{line}charge,c-2,,,much,USD,APPROVED\n"), ""));
        assert!(!may_be_acted_on(line, "charge,t-1,,much,USD\n"));
    }
}
