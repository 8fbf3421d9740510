//! Sends PINs to customers.

use super::sealed_sms::{self, PinSms};
use super::sms_jobs::SmsJobs;
use crate::account::live_account;
use crate::instruments::PinResult;
use crate::sms::{SendSmsResult, Sms};
use crate::store::{JobKind, NextStep, SmsOutcome};

impl SmsJobs {
    /// Sends a PIN, if its number has an account. The check is here and not in the customer's call,
    /// whose response and duration must not differ between numbers.
    pub(super) async fn send_pin(&self, sealed: &[u8], attempt: u32) -> SmsOutcome {
        let Some(message) = sealed_sms::open::<PinSms>(&self.vault, sealed) else {
            tracing::error!("a sealed message cannot be opened with the keys of the ring");
            return SmsOutcome::NotSent(NextStep::Drop);
        };
        let spec = JobKind::PinSms.spec();
        let retry = || -> SmsOutcome { self.retry.plan(spec.retry, attempt).into() };
        let expires_at = spec.expiry.from_moment(message.expires_at);
        if expires_at.is_some_and(|at| self.clock.now() >= at) {
            return SmsOutcome::NotSent(NextStep::Drop);
        }
        let account = match self.accounts.find_account(&message.msisdn).await.map(live_account) {
            Ok(Some(account)) => account,
            Ok(None) => return SmsOutcome::NotSent(NextStep::Drop),
            Err(_) => return retry(),
        };
        // Recorded before it is sent, so that the PIN proves the number to no other subscriber. The
        // flow is over if an event ended it or if its subscriber was erased in the meantime; and an
        // attempt whose outcome is unknown may have sent it to an earlier subscriber.
        let recipient = self.vault.recipient_mac(&message.flow, &account.subscriber_ref);
        match self.store.bind_pin(self.clock.now(), message.flow, recipient).await {
            Ok(Some(bound)) if bound == recipient => {}
            Ok(_) => return SmsOutcome::NotSent(NextStep::Drop),
            Err(_) => return retry(),
        }
        let text = Sms {
            to: &message.msisdn,
            body: &message.body,
            urgent: true,
            valid_until: expires_at,
            receipt: true,
        };
        match self.submit(&text).await {
            SendSmsResult::Accepted { message_id } => {
                self.instruments.metrics.visits.note_pin(PinResult::Sent);
                SmsOutcome::Sent { message_id }
            }
            // After an unknown outcome the SMS may arrive twice: it is the same PIN, and its
            // attempts are counted.
            SendSmsResult::Later(_) => retry(),
            SendSmsResult::Refused => {
                tracing::warn!("the SMS gateway refuses the number of a PIN");
                SmsOutcome::Refused { code: None }
            }
        }
    }
}
