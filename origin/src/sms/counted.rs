//! Counts what a gateway says of the SMS that it is given, whichever gateway it is.

use super::gateway::{CSP, RetryCause, SendSmsResult, Sms, SmsGateway};
use super::receipt::ReceiptSink;
use crate::instruments::{Instruments, Receiver, SmsState};
use crate::last_answer::LastAnswer;
use async_trait::async_trait;
use std::sync::Arc;

/// A gateway whose SMS are counted.
pub(super) struct CountedGateway {
    pub(super) gateway: Arc<dyn SmsGateway>,
    /// The name of a gateway of which each SMS is a call of its own. Of another one, its session shows
    /// whether it can be reached.
    pub(super) called_as: Option<&'static str>,
    pub(super) instruments: Arc<Instruments>,
}

#[async_trait]
impl SmsGateway for CountedGateway {
    async fn send(&self, text: &Sms<'_>) -> SendSmsResult {
        let result = self.gateway.send(text).await;
        let state = match &result {
            SendSmsResult::Accepted { .. } => SmsState::Accepted,
            SendSmsResult::Later(RetryCause::Throttled) => SmsState::Throttled,
            SendSmsResult::Later(RetryCause::Unreachable) => SmsState::Unreachable,
            SendSmsResult::Later(RetryCause::Unclear) => SmsState::Unclear,
            SendSmsResult::Refused => SmsState::Refused,
        };
        let sms = &self.instruments.metrics.sms;
        sms.note(state);
        // Of a call of the CSP API, its own answer is known. What fails after the gateway has the SMS does
        // not fail by its answer.
        if state == SmsState::Accepted {
            LastAnswer::forget();
        } else if self.called_as != Some(CSP) {
            LastAnswer::of_gateway(state.as_str()).note();
        }
        if let Some(gateway) = self.called_as {
            sms.note_link(!matches!(state, SmsState::Unreachable | SmsState::Unclear));
            // A gateway that refuses our login, or our settings, is there, and has alarms of its own.
            if state != SmsState::Unreachable {
                let receiver = Receiver::SmsGateway(gateway);
                self.instruments.signals.note_call(receiver, state != SmsState::Unclear);
            }
        }
        result
    }

    async fn run(&self, receipts: &dyn ReceiptSink) {
        if self.called_as.is_some() {
            // Until the first SMS nothing speaks against it.
            self.instruments.metrics.sms.note_link(true);
        }
        self.gateway.run(receipts).await;
    }

    async fn end_session(&self) {
        self.gateway.end_session().await;
    }
}
