//! The shared part of all SMS jobs: checks that the subscriber still has the number, and calls the
//! gateway.

use super::retry::RetrySchedule;
use crate::account::AccountLookup;
use crate::ambient::Clock;
use crate::call_trace::CallTrace;
use crate::instruments::Instruments;
use crate::keys::Vault;
use crate::sms::{RetryCause, SendSmsResult, Sms, SmsGateway};
use crate::store::Store;
use std::sync::Arc;
use tracing::Instrument as _;
use tracing::field::Empty;

/// Sends the SMS that wait in the queues.
pub(crate) struct SmsJobs {
    pub(crate) store: Arc<Store>,
    pub(crate) accounts: Arc<AccountLookup>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) gateway: Arc<dyn SmsGateway>,
    pub(crate) retry: RetrySchedule,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) instruments: Arc<Instruments>,
}

impl SmsJobs {
    /// Hands an SMS to the gateway, within a span of its own.
    pub(super) async fn submit(&self, sms: &Sms<'_>) -> SendSmsResult {
        let Some(trace) = CallTrace::current() else { return self.gateway.send(sms).await };
        let (trace, ids) = trace.step();
        let span = tracing::info_span!(
            "sms",
            trace_id = ids.trace_id,
            span_id = ids.span_id,
            parent_span_id = ids.parent_span_id,
            sampled = ids.is_sampled,
            receiver = "gateway",
            outcome = Empty,
        );
        let result = trace.scope(self.gateway.send(sms)).instrument(span.clone()).await;
        span.record("outcome", describe_result(&result));
        result
    }
}

/// The result in a word of the log.
fn describe_result(result: &SendSmsResult) -> &'static str {
    match result {
        SendSmsResult::Accepted { .. } => "ok",
        SendSmsResult::Refused => "refused",
        SendSmsResult::Later(RetryCause::Unreachable) => "unreachable",
        SendSmsResult::Later(RetryCause::Throttled | RetryCause::Unclear) => "failed",
    }
}
