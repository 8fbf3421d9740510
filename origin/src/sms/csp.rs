//! SMS through the operator's CSP API: `POST /notification`. The operator's own systems know the
//! kind of message and how to send it, and they send no delivery receipts.

use super::gateway::{RetryCause, SendSmsResult, Sms, SmsGateway};
use crate::http::CspClient;
use async_trait::async_trait;
use std::sync::Arc;

/// The CSP API as a gateway.
pub(super) struct CspGateway {
    csp: Arc<CspClient>,
}

impl CspGateway {
    pub(super) fn new(csp: Arc<CspClient>) -> Self {
        Self { csp }
    }
}

#[async_trait]
impl SmsGateway for CspGateway {
    /// The call has neither urgency nor validity: an operator that needs them uses a gateway of
    /// another kind.
    async fn send(&self, text: &Sms<'_>) -> SendSmsResult {
        match self.csp.send_sms(text.to, text.body).await {
            Ok(()) => SendSmsResult::Accepted { message_id: None },
            Err(_) => SendSmsResult::Later(RetryCause::Unclear),
        }
    }

    /// Each SMS is a call of its own.
    async fn end_session(&self) {}
}
