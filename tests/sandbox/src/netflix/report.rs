//! What an operator's origin reports about a charge or a refund, how the report came, and what can be
//! wrong with it.

use serde::Serialize;

/// How a report came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ReportSource {
    /// The response to a call of ours. That to a post is stored, so it may be older than a webhook.
    Response,
    /// A webhook from the origin.
    Webhook,
}

/// A report, and how it came.
#[derive(Clone, Debug)]
pub(super) struct KnownReport<T> {
    pub(super) reported: T,
    pub(super) source: ReportSource,
}

/// What is wrong with a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReportError {
    /// It is about nothing that was requested of this operator.
    Unknown,
    /// It is impossible, whatever was reported before.
    Impossible(&'static str),
    /// It differs from an earlier report.
    Contradicts(&'static str),
}
