//! Runs the checks of a kit, one after the other.

use super::caller::Caller;
use super::check::{Check, CheckFacts, CheckResult, Outcome};
use super::report::Report;
use tokio::time::Instant;

/// What happens to a check.
#[derive(Clone, Copy, Debug)]
pub enum Step<'c> {
    /// It begins.
    Begins(&'c CheckFacts),
    /// It has ended so.
    Ended(&'c CheckResult),
}

/// What is shown of a run while it lasts: a progress bar and lines, or nothing.
pub type Progress<'p> = &'p (dyn Fn(Step<'_>) + Sync);

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
    let mut results: Vec<CheckResult> = Vec::new();
    for check in checks {
        progress(Step::Begins(&check.facts));
        kit.caller().begin(check.facts.id);
        let begun = Instant::now();
        let outcome = match first_cause(&results, check.needs) {
            Some(cause) => Outcome::Blocked(cause),
            None => (check.run)(kit).await,
        };
        let result = CheckResult { facts: &check.facts, outcome, took: begun.elapsed() };
        progress(Step::Ended(&result));
        results.push(result);
    }
    Report { title, target: target.to_owned(), results }
}

/// The check that failed, of those that are needed or of what these needed.
fn first_cause(results: &[CheckResult], needs: &[&str]) -> Option<&'static str> {
    let mut needed = results.iter().filter(|result| needs.contains(&result.facts.id));
    needed.find_map(|result| match result.outcome {
        Outcome::Failed(_) => Some(result.facts.id),
        Outcome::Blocked(cause) => Some(cause),
        Outcome::Passed | Outcome::Skipped(_) => None,
    })
}
