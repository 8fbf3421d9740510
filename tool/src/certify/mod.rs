//! `onbill certify`: the conformance kits. Each calls the other side as onbill does, rightly and
//! wrongly, and reports what has to be mended. docs/conformance.md lists the checks.

mod answer;
mod caller;
mod check;
mod conduct;
mod csp;
mod limits;
mod partner;
mod report;
mod run;

pub use check::{CheckFacts, CheckResult, Outcome};
pub use csp::{CspSettings, Numbers, certify_csp, csp_checks};
pub use limits::Limits;
pub use partner::{Announce, Ask, PartnerSettings, certify_partner, partner_checks};
pub use report::Report;
pub use run::{Progress, Step};

use crate::exit;
use crate::signer::read_ring;
use anyhow::{Context as _, anyhow};
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use onbill_domain::ids::{OfferId, OperatorId};
use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use tokio::net::TcpListener;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    side: Side,
}

#[derive(Subcommand)]
enum Side {
    /// Test an operator's CSP API. It charges and refunds the test accounts in your file.
    Csp(CspArguments),
    /// Test a partner's sign-up and webhooks. It plays onbill's edge, which your test system calls.
    Partner(PartnerArguments),
}

#[derive(Args)]
struct CspArguments {
    /// The address of your CSP API: what is `bss_url` in the origin's configuration.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Your test accounts, in JSON. docs/conformance.md has an example.
    #[arg(long, value_name = "FILE")]
    numbers: PathBuf,
    /// Your key file with the key of use origin-to-bss: a ring, or a JWKS.
    #[arg(long, value_name = "FILE", env = "ONBILL_KEYS")]
    keys: PathBuf,
    /// What your origin has as `hand_off_seconds`: how long a refund may take, and a charge with its look-up.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=6))]
    hand_off_seconds: u64,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct PartnerArguments {
    /// The address below which your sign-up and webhooks are.
    #[arg(long, value_name = "URL")]
    url: String,
    /// Your own key file: partner-call, edge-to-partner, and origin-to-partner of one operator.
    #[arg(long, value_name = "FILE", env = "ONBILL_KEYS")]
    keys: PathBuf,
    /// The operator that the kit plays, if your key file has several: the last one otherwise.
    #[arg(long, value_name = "ID", value_parser = parse_operator)]
    operator: Option<OperatorId>,
    /// Where the kit listens as onbill's edge.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8785")]
    listen: SocketAddr,
    /// The address of that edge as your test system calls and signs it. By default it is http and the
    /// address on which the kit listens.
    #[arg(long, value_name = "URL")]
    edge_url: Option<String>,
    /// The offer of the sign-ups.
    #[arg(long, value_name = "ID", default_value = "netflix-standard", value_parser = parse_offer)]
    offer: OfferId,
    /// Seconds to wait for a charge, and then for a refund, that you make in your test system.
    /// Without one, the checks about it are skipped.
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(0..=3600))]
    wait: u64,
    #[command(flatten)]
    output: Output,
}

#[derive(Args)]
struct Output {
    /// Write the report as `JUnit` XML too.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write the report as one HTML page too.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

fn parse_operator(text: &str) -> Result<OperatorId, String> {
    OperatorId::parse(text).ok_or_else(|| format!("{text:?} is no id of an operator"))
}

fn parse_offer(text: &str) -> Result<OfferId, String> {
    OfferId::parse(text).ok_or_else(|| format!("{text:?} is no id of an offer"))
}

impl Arguments {
    /// 0 if every check passed, 1 if one failed, 2 if they could not be run.
    pub(crate) async fn run(self) -> ExitCode {
        let report = match self.side {
            Side::Csp(arguments) => arguments.run().await,
            Side::Partner(arguments) => arguments.run().await,
        };
        if let Err(error) = &report {
            eprintln!("error: {error:#}");
        }
        exit_code(&report)
    }
}

fn exit_code(report: &anyhow::Result<Report>) -> ExitCode {
    match report {
        Ok(report) if report.is_passed() => ExitCode::SUCCESS,
        Ok(_) => exit::FAILED,
        Err(_) => exit::not_run(),
    }
}

impl CspArguments {
    async fn run(self) -> anyhow::Result<Report> {
        let charge_within = Duration::from_secs(self.hand_off_seconds);
        self.output.check()?;
        let head = report::format_head(csp::TITLE, &self.url);
        let settings = CspSettings {
            url: self.url,
            keys: read_ring(&self.keys)?,
            numbers: Numbers::read(&self.numbers)?,
            limits: Limits { charge_within, ..Limits::default() },
        };
        let bar = progress_bar(csp_checks().len())?;
        println!("{head}");
        let report = certify_csp(settings, &|step| show_step(&bar, step)).await;
        bar.finish_and_clear();
        self.output.write(report?)
    }
}

impl PartnerArguments {
    async fn run(self) -> anyhow::Result<Report> {
        self.output.check()?;
        let head = report::format_head(partner::TITLE, &self.url);
        let listener = TcpListener::bind(self.listen).await;
        let listener = listener.with_context(|| format!("listen on {}", self.listen))?;
        let settings = PartnerSettings {
            url: self.url,
            keys: read_ring(&self.keys)?,
            operator: self.operator,
            edge_url: self.edge_url.unwrap_or_else(|| format!("http://{}", self.listen)),
            offer: self.offer,
            limits: Limits::default(),
            wait: Duration::from_secs(self.wait),
        };
        let bar = progress_bar(partner_checks().len())?;
        println!("{head}");
        let announce = announce_above(bar.clone());
        let report = certify_partner(&settings, listener, announce, &|step| show_step(&bar, step)).await;
        bar.finish_and_clear();
        self.output.write(report?)
    }
}

fn announce_above(bar: ProgressBar) -> Announce {
    Box::new(move |ask| {
        let text = match ask {
            Ask::Charge { page } => {
                format!("Finish the sign-up on {page}, and let your test system charge that customer.")
            }
            Ask::Refund { charge } => format!("Refund a part of the charge {charge} in your test system."),
        };
        bar.suspend(|| eprintln!("{text}"));
    })
}

fn progress_bar(checks: usize) -> anyhow::Result<ProgressBar> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").map_err(|error| anyhow!(error))?;
    let count = u64::try_from(checks).context("count the checks")?;
    Ok(ProgressBar::new(count).with_style(style))
}

/// Each check has its line as soon as it has ended: a run against a slow system takes minutes.
fn show_step(bar: &ProgressBar, step: Step<'_>) {
    match step {
        Step::Begins(facts) => bar.set_message(facts.name),
        Step::Ended(result) => {
            bar.suspend(|| println!("{}", report::format_line(result)));
            bar.inc(1);
        }
    }
}

impl Output {
    /// Fails where a report could not be written, before anything has been charged.
    fn check(&self) -> anyhow::Result<()> {
        for file in [&self.junit, &self.html].into_iter().flatten() {
            let existed = file.exists();
            let opened = OpenOptions::new().append(true).create(true).open(file);
            opened.with_context(|| format!("write {}", file.display()))?;
            if !existed {
                // An empty report would be taken for one.
                std::fs::remove_file(file).with_context(|| format!("write {}", file.display()))?;
            }
        }
        Ok(())
    }

    fn write(&self, report: Report) -> anyhow::Result<Report> {
        println!("\n{}", report.details());
        write_file(self.junit.as_deref(), || report.to_junit())?;
        write_file(self.html.as_deref(), || report.to_html())?;
        Ok(report)
    }
}

fn write_file(file: Option<&Path>, text: impl Fn() -> String) -> anyhow::Result<()> {
    let Some(file) = file else { return Ok(()) };
    std::fs::write(file, text()).with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    static FACTS: CheckFacts = CheckFacts { id: "a-1", name: "One", expected: "200", mend: "Nothing." };

    #[test]
    fn exit_code_says_whether_checks_passed_failed_or_did_not_run() {
        let report = |outcome| {
            let results = vec![CheckResult { facts: &FACTS, outcome, took: Duration::ZERO }];
            Ok(Report { title: "A kit", target: "http://a.example".to_owned(), results })
        };
        for (report, code) in [
            (report(Outcome::Passed), 0),
            (report(Outcome::Skipped("no number".to_owned())), 0),
            (report(Outcome::Failed("500".to_owned())), 1),
            (Err(anyhow!("nothing answers")), 2),
        ] {
            assert_eq!(format!("{:?}", exit_code(&report)), format!("{:?}", ExitCode::from(code)));
        }
    }
}
