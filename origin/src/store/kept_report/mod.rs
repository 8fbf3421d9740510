//! Reports of a period that the operator's staff has kept: sums of a reconciliation with its findings, and
//! a settlement. They are made from files and from all lines of the period, which no page can wait for.
//! The newest one of a period takes the place of the one before.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::timestamp::Timestamp;

/// Findings that are kept of a reconciliation: more than a person goes through, and written within a
/// second. The file of the run has all.
pub const FINDINGS_KEPT_MAX: usize = 10_000;

/// Reports listed at once. An operator has two a month with each partner, and some of single days.
const REPORTS_LISTED_MAX: u32 = 200;

impl Store {
    /// Keeps a report, with its findings in order. `finding` of each has a place from 0 on.
    pub async fn keep_report(
        &self,
        report: KeptReport,
        findings: Vec<KeptFinding>,
    ) -> Result<(), StoreError> {
        use_case!(self, write, keep_report(&report, &findings))
    }

    /// The reports that have a day from `from` to `to`, by kind, partner and period.
    pub async fn list_kept_reports(&self, from: Day, to: Day) -> Result<Vec<KeptReport>, StoreError> {
        use_case!(self, read, list_kept_reports(from, to))
    }

    /// Up to `limit` findings of a reconciliation with this cause, after the place `after`, in order.
    pub async fn list_kept_findings(
        &self,
        partner: PartnerId,
        period: [Day; 2],
        cause: String,
        after: Option<i64>,
        limit: u32,
    ) -> Result<Vec<KeptFinding>, StoreError> {
        use_case!(self, read, list_kept_findings(&partner, period, &cause, after.unwrap_or(-1), limit))
    }
}

onbill_domain::word_enum! {
    /// What a report says.
    pub enum ReportKind {
        /// Whether ledger, statement and bill agree.
        Reconciliation = "reconciliation",
        /// What operator and partner owe each other.
        Settlement = "settlement",
    }
}

/// A report of a period with a partner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptReport {
    pub kind: ReportKind,
    pub partner: PartnerId,
    /// The first day, of UTC.
    pub from: Day,
    /// The last day, included.
    pub to: Day,
    pub made_at: Timestamp,
    /// JSON, as the use case has written it.
    pub report: String,
}

/// A finding of a reconciliation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptFinding {
    /// Its place among the findings of the run.
    pub place: i64,
    pub cause: String,
    /// A JSON list of the columns of the file of findings.
    pub finding: String,
}
