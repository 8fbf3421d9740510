//! A PIN, on its way to the customer.

use super::sealed_sms::{self, PinSms};
use super::sms_jobs::SmsJobs;
use crate::account::live_account;
use crate::sms::{Sent, Text};
use crate::store::HandOff;

/// Seconds until the next attempt; then the message is dropped, as is one whose PIN has expired.
const RETRY_DELAYS: [i64; 4] = [2, 10, 30, 60];

impl SmsJobs {
    /// Sends a PIN, if its number has an account: here and not in the customer's call, whose response and whose time must not
    /// differ between numbers.
    pub(super) async fn send_pin(&self, sealed: &[u8], attempt: u32) -> HandOff {
        let Some(message) = sealed_sms::open::<PinSms>(&self.vault, sealed) else {
            tracing::error!("a sealed message does not open");
            return HandOff::Dropped;
        };
        let retry = || {
            let next = self.retry.next_attempt(attempt, &RETRY_DELAYS);
            next.map_or(HandOff::Dropped, |due_at| HandOff::Later { due_at })
        };
        if self.clock.now() >= message.expires_at {
            return HandOff::Dropped;
        }
        // The flow is gone when its subscriber was erased meanwhile.
        if let Some(flow) = message.flow {
            match self.store.has_flow(flow).await {
                Ok(true) => {}
                Ok(false) => return HandOff::Dropped,
                Err(_) => return retry(),
            }
        }
        match self.accounts.find_account(&message.msisdn).await.map(live_account) {
            Ok(Some(_)) => {}
            Ok(None) => return HandOff::Dropped,
            Err(_) => return retry(),
        }
        let text = Text {
            to: &message.msisdn,
            body: &message.body,
            urgent: true,
            valid_until: Some(message.expires_at),
            receipt: true,
        };
        match self.gateway.send(&text).await {
            Sent::Accepted { .. } => HandOff::Done { raw_code: None },
            // What is unclear may come twice: it is the same PIN, and its tries are counted.
            Sent::Later(_) => retry(),
            Sent::Refused => {
                tracing::warn!("the gateway refuses a PIN's number");
                HandOff::Dropped
            }
        }
    }
}
