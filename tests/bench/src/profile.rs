//! `--profile`: perf attached to the subject of a row while it works, and its report as text.

use crate::measure::{Round, Side};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Long enough for some ten thousand samples.
const LENGTH: Duration = Duration::from_secs(10);
/// Samples a second: no multiple of a usual timer's rate.
const FREQUENCY: &str = "997";

/// Names of generic functions go on for pages.
const LINE_CHARS_MAX: usize = 160;

pub(crate) struct Profile {
    data: PathBuf,
    pub(crate) report: PathBuf,
}

impl Profile {
    pub(crate) fn new(folder: &Path) -> Self {
        let report = folder.join("profile.txt");
        // There may be one of an earlier run.
        let _ = fs::remove_file(&report);
        Self { data: folder.join("perf.data"), report }
    }
}

/// The lines with figures, without the padding of the longest name.
fn format_report(report: &str) -> String {
    let lines = report.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let short = lines.map(|line| line.chars().take(LINE_CHARS_MAX).collect::<String>());
    short.collect::<Vec<_>>().join("\n")
}

/// Runs one round of a side; perf watches its processes, if it has one.
pub(crate) async fn run_under_perf(profile: &Profile, side: &mut dyn Side) -> Result<Round> {
    let Some(process) = side.process().filter(|_| !profile.report.exists()) else {
        return side.run_round(Duration::from_millis(100)).await;
    };
    let mut record = Command::new("perf");
    record.args(["record", "-F", FREQUENCY, "-g", "-p", &process.root.to_string(), "-o"]);
    let mut perf = record
        .arg(&profile.data)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("start perf: --profile needs the perf of your Linux distribution")?;
    let round = side.run_round(LENGTH).await;
    let interrupt = Command::new("kill").args(["-INT", &perf.id().to_string()]).status();
    ensure!(interrupt.context("start kill")?.success(), "perf ended before the round did");
    perf.wait().context("wait for perf")?;
    let report = Command::new("perf")
        .args(["report", "--stdio", "--no-children", "-g", "none", "--percent-limit", "0.3", "-i"])
        .arg(&profile.data)
        .output()
        .context("start perf")?;
    let text = format_report(&String::from_utf8_lossy(&report.stdout));
    fs::write(&profile.report, text).with_context(|| format!("write {}", profile.report.display()))?;
    round
}
