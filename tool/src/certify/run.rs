//! Runs the checks of a kit, one after the other.

use super::caller::Caller;
use super::check::{Check, CheckFacts, CheckResult};
use super::report::Report;
use tokio::time::Instant;

/// What a kit does with each check before it runs: a progress bar, or nothing.
pub type Progress<'p> = &'p (dyn Fn(&CheckFacts) + Sync);

/// What has checks.
pub(super) trait Kit: 'static {
    /// What makes its calls.
    fn caller(&self) -> &Caller;
}

pub(super) async fn run_checks<K: Kit>(
    kit: &K,
    checks: impl Iterator<Item = &'static Check<K>>,
    title: &'static str,
    target: &str,
    progress: Progress<'_>,
) -> Report {
    let mut results = Vec::new();
    for check in checks {
        progress(&check.facts);
        kit.caller().begin(check.facts.id);
        let begun = Instant::now();
        let outcome = (check.run)(kit).await;
        results.push(CheckResult { facts: &check.facts, outcome, took: begun.elapsed() });
    }
    Report { title, target: target.to_owned(), results }
}
