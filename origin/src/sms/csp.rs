//! Text messages by the operator's CSP API: `POST /notification`. The operator's own systems know what kind of message it
//! is and how to send it, and they report nothing.

use super::{Cause, Sent, Text, Texts};
use crate::http::BillingSystem;
use async_trait::async_trait;
use std::sync::Arc;

/// The CSP API as a gateway.
pub(super) struct CspTexts {
    bss: Arc<BillingSystem>,
}

impl CspTexts {
    pub(super) fn new(bss: Arc<BillingSystem>) -> Self {
        Self { bss }
    }
}

#[async_trait]
impl Texts for CspTexts {
    /// The call has neither urgency nor validity: an operator that needs them has a gateway of another kind.
    async fn send(&self, text: &Text<'_>) -> Sent {
        match self.bss.notify(text.to, text.body).await {
            Ok(()) => Sent::Accepted { message_id: None },
            Err(_) => Sent::Later(Cause::Unclear),
        }
    }
}
