//! A program that is run to its end: a verb of the origin, a tool that is a yardstick.

use crate::clock::Stopwatch;
use crate::measure::{Latencies, ProcessTree, Round};
use anyhow::{Context as _, Result, bail};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Between two looks at the program: short beside what a round takes.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What a program has used. Its CPU time and memory are those of the last look before its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finished {
    pub(crate) elapsed: Duration,
    pub(crate) cpu: Duration,
    pub(crate) peak_bytes: u64,
}

impl Finished {
    /// A round in which the program did this many operations.
    pub(crate) fn into_round(self, operations: usize) -> Round {
        Round {
            operations: operations as u64,
            errors: 0,
            elapsed: self.elapsed,
            cpu: Some(self.cpu),
            latencies: Latencies::default(),
        }
    }
}

/// Runs a command, with its output in a log in `folder`. One that fails is an error.
pub(crate) async fn run_to_end(mut command: Command, folder: &Path) -> Result<Finished> {
    let log = folder.join("verb.log");
    let output = File::create(&log).with_context(|| format!("write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    let name = command.get_program().to_string_lossy().into_owned();
    let since = Stopwatch::start();
    let mut child = command.spawn().with_context(|| format!("start {name}"))?;
    let tree = ProcessTree { root: child.id() };
    let mut used = Finished { elapsed: Duration::ZERO, cpu: Duration::ZERO, peak_bytes: 0 };
    loop {
        used.cpu = used.cpu.max(tree.cpu_time());
        used.peak_bytes = used.peak_bytes.max(tree.peak_resident_bytes());
        if let Some(status) = child.try_wait()? {
            used.elapsed = since.elapsed();
            if status.success() {
                return Ok(used);
            }
            let text = fs::read_to_string(&log).unwrap_or_default();
            bail!("{command:?} ended with {status}: {text}");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finished_program_has_used_time_and_memory() {
        let folder = std::env::temp_dir().join(format!("onbill-finished-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("can be made");
        let mut busy = Command::new("sh");
        busy.args(["-c", "n=0; while [ $n -lt 100000 ]; do n=$((n + 1)); done"]);
        let used = run_to_end(busy, &folder).await.expect("succeeds");
        assert!(used.cpu > Duration::ZERO && used.elapsed >= used.cpu / 2 && used.peak_bytes > 100_000);
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo the reason; exit 3"]);
        let error = run_to_end(failing, &folder).await.expect_err("fails");
        assert!(error.to_string().contains("the reason"), "{error}");
        fs::remove_dir_all(&folder).expect("is there");
    }
}
