//! A check: what it is called, what is expected, and what came of it.

use futures_util::future::BoxFuture;
use std::borrow::Cow;
use std::time::Duration;

/// What is known of a check before it runs. The id never changes: reports are compared by it.
#[derive(Debug, PartialEq, Eq)]
pub struct CheckFacts {
    /// The id, such as `csp-charge-repeated`.
    pub id: &'static str,
    /// What is tested, in a few words.
    pub name: &'static str,
    /// What a side that conforms does.
    pub expected: &'static str,
    /// What to change when it does not.
    pub mend: &'static str,
}

/// What came of a check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// What was seen is what is expected.
    Passed,
    /// Something else was seen: this.
    Failed(String),
    /// It was not run, for this reason.
    Skipped(String),
    /// It was not run, because the check of this id failed: what it would find has that cause.
    Blocked(&'static str),
}

/// A check of a kit, and what runs it.
pub(super) struct Check<K: 'static> {
    pub(super) facts: CheckFacts,
    /// The earlier checks without which this one says nothing of its own. When one of those has failed,
    /// it is not run: it would fail for the same cause, and its advice would be about something else.
    pub(super) needs: &'static [&'static str],
    pub(super) run: for<'k> fn(&'k K) -> BoxFuture<'k, Outcome>,
}

/// A check that was run.
#[derive(Clone, Debug)]
pub struct CheckResult {
    /// Which one.
    pub facts: &'static CheckFacts,
    /// What came of it.
    pub outcome: Outcome,
    /// How long it took.
    pub took: Duration,
}

/// What was found: nothing wrong, or what was seen instead.
pub(super) type Finding = Result<(), String>;

impl From<Finding> for Outcome {
    fn from(finding: Finding) -> Self {
        finding.map_or_else(Self::Failed, |()| Self::Passed)
    }
}

impl Outcome {
    /// The outcome in a report.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "failed",
            Self::Skipped(_) => "skipped",
            Self::Blocked(_) => "blocked",
        }
    }

    /// What was seen, or why it was not run.
    pub fn detail(&self) -> Cow<'_, str> {
        match self {
            Self::Passed => "as expected".into(),
            Self::Failed(seen) => seen.into(),
            Self::Skipped(why) => why.into(),
            Self::Blocked(cause) => format!("not run: {cause} failed").into(),
        }
    }
}
