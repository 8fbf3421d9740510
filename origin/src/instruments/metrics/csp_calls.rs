//! Calls to the operator's CSP API.

use super::labels::Counters;
use super::page::Page;
use super::series::{CSP_CALLS, CSP_DURATION};
use crate::histogram::{CALL_BOUNDS, Histogram};
use std::fmt;
use std::time::Duration;

onbill_domain::word_enum! {
    /// A call to the CSP API.
    pub enum CspCall {
        Account = "account",
        Charge = "charge",
        ChargeLookup = "charge-lookup",
        Refund = "refund",
        Sms = "sms",
    }
}

onbill_domain::word_enum! {
    /// What came of a call.
    pub enum CspResult {
        /// A response that shows what happened.
        Answered = "answered",
        /// The operator has no such account, or has never seen the charge.
        Absent = "absent",
        /// No response, or one that does not show what happened.
        Unclear = "unclear",
    }
}

/// Calls by their result, and how long they took.
#[derive(Debug)]
pub(crate) struct CspMetrics {
    results: [Counters<{ CspResult::ALL.len() }>; CspCall::ALL.len()],
    durations: [Histogram; CspCall::ALL.len()],
}

impl CspMetrics {
    pub(super) fn new() -> Self {
        Self {
            results: std::array::from_fn(|_| Counters::default()),
            durations: std::array::from_fn(|_| Histogram::new(CALL_BOUNDS)),
        }
    }

    pub(crate) fn note(&self, call: CspCall, result: CspResult, took: Duration) {
        self.results[call as usize].count(result as usize);
        self.durations[call as usize].note(took);
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(
            CSP_CALLS,
            CspCall::ALL.into_iter().zip(&self.results).flat_map(|(call, results)| {
                let results = CspResult::ALL.into_iter().zip(results.read());
                results.map(move |(result, count)| ([call.as_str(), result.as_str()], count))
            }),
        )?;
        let durations = CspCall::ALL.into_iter().zip(&self.durations);
        page.histograms(CSP_DURATION, durations.map(|(call, duration)| ([call.as_str()], duration)))
    }
}
