//! `kv-sync`: compares the edge's store with the ledger.

use super::opening::{database_failed, open_app};
use super::output::{print_error_line, print_line};
use super::verb_outcome::VerbOutcome;
use anyhow::anyhow;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use onbill_domain::pai::Pai;
use onbill_origin::delivery::kv_sync::{KvComparison, KvReport, KvSyncError, PAUSES};
use onbill_origin::store::OpenMode;
use std::path::Path;

/// Findings of each kind that are listed: as many as a person reads.
const LISTED_MAX: usize = 20;
/// Steps of the progress bar. The PAIs that onbill issues are random and so evenly spread, which makes
/// a PAI's position among them known.
const PLACES: u64 = 1 << 16;

/// Compare the edge's store with the ledger for each PAI, and repair the store.
///
/// Use it after an outage, or when the edge's KV namespace was lost. Where the store has nothing, nothing readable
/// or an older state, it gets the ledger's. You may run it at any time, beside the origin that serves, and again.
/// A value that another machine of the edge wrote in the last minute may look missing: it is written again.
///
/// Two things are findings, and stay as they are:
///
///   later at the edge    it has a later state than the ledger, or another one of the same version. Was the
///                        ledger restored from an old backup? Then charges may be missing too: reconcile first
///   another operator's   the edge has the PAI for another operator, and routes its charges there
///
/// Exit code 0 when store and ledger agree now, 1 when there are findings (with --dry-run: or differences), and
/// 2 when it could not finish. It has then asked the edge five times, and its repairs up to that point stay.
#[derive(Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Arguments {
    /// Only compare: nothing is written.
    #[arg(long)]
    dry_run: bool,
}

impl Arguments {
    pub(super) async fn run(self, config: &Path) -> anyhow::Result<VerbOutcome> {
        let app = open_app(config, OpenMode::ReadOnly).await?;
        let bar = ProgressBar::new(PLACES)
            .with_style(ProgressStyle::with_template("{bar:40} {percent:>3}% {msg} PAIs {eta} left")?);
        let comparison = KvComparison { edge: &app.edge, compare_only: self.dry_run, pauses: &PAUSES };
        let mut report = KvReport::default();
        let outcome = comparison
            .run(&mut report, |report| {
                bar.set_position(report.through.map_or(0, position_of));
                bar.set_message(report.compared().to_string());
            })
            .await;
        bar.finish_and_clear();
        print_line!("{}", self.summarize(&report));
        list_pais("later at the edge than in the ledger", &report.ahead);
        list_pais("another operator's at the edge", &report.foreign);
        if let Err(stopped) = outcome {
            let percent = report.through.map_or(0, position_of) * 100 / PLACES;
            print_error_line!(
                "It stopped after {percent} % of the PAIs. Run it again: it starts from the beginning, and is quick where there is nothing to repair."
            );
            return Err(match stopped {
                KvSyncError::Store(error) => database_failed(error),
                KvSyncError::Edge(None) => anyhow!("the edge at {} does not answer", app.config.edge_url),
                KvSyncError::Edge(Some(status)) => {
                    anyhow!("the edge at {} does not compare: it answers {status}", app.config.edge_url)
                }
            });
        }
        let differs = self.dry_run && report.behind > 0;
        Ok(VerbOutcome::findings_if(differs || report.findings() > 0))
    }

    fn summarize(&self, report: &KvReport) -> String {
        let behind = if self.dry_run { "behind at the edge" } else { "repaired at the edge" };
        format!(
            "{} PAIs compared: {} the same, {} {behind}, {} later there, {} another operator's.",
            report.compared(),
            report.same,
            report.behind,
            report.ahead.len(),
            report.foreign.len()
        )
    }
}

fn list_pais(what: &str, pais: &[Pai]) {
    for pai in pais.iter().take(LISTED_MAX) {
        print_line!("{what}: {pai}");
    }
    if pais.len() > LISTED_MAX {
        print_line!("... and {} more of them.", pais.len() - LISTED_MAX);
    }
}

/// Position of a PAI among those that onbill issues, out of [`PLACES`], in the order of their bytes.
/// PAIs that another system issued have no known distribution: the bar stands still during them.
fn position_of(pai: Pai) -> u64 {
    let (mut position, mut places) = (0, PLACES);
    for byte in pai.as_str().bytes().take(4) {
        places /= 16;
        match byte {
            b'0'..=b'9' => position += u64::from(byte - b'0') * places,
            b'a'..=b'f' => position += u64::from(byte - b'a' + 10) * places,
            b'-' | b'.' => return position,
            b'A'..=b'Z' | b'_' => return position + 10 * places,
            _ => return position + 16 * places,
        }
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_between_first_and_last_pai() {
        assert_eq!(position_of(Pai::from_random([0; 16])), 0);
        assert_eq!(position_of(Pai::from_random([0xff; 16])), PLACES - 1);
        assert_eq!(position_of(Pai::from_random([0x80; 16])), 0x8080);
        let positions = ["-", "0", "09", "0ENT", "1", "9~", "ENT1664367665579", "a", "f", "fz", "pci123"]
            .map(|text| position_of(Pai::parse(text).expect("is a PAI")));
        assert!(positions.is_sorted(), "{positions:x?}");
        assert_eq!(positions.last(), Some(&PLACES));
    }

    #[test]
    fn dry_run_report_claims_no_change() {
        let report = KvReport { same: 3, behind: 2, ..KvReport::default() };
        assert_eq!(
            Arguments { dry_run: true }.summarize(&report),
            "5 PAIs compared: 3 the same, 2 behind at the edge, 0 later there, 0 another operator's."
        );
        assert!(Arguments { dry_run: false }.summarize(&report).contains("2 repaired at the edge"));
    }
}
