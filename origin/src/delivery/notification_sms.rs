//! A partner's message, on its way to the subscriber.

use super::sms_jobs::SmsJobs;
use crate::account::SubscriberStatus;
use crate::sms::{RetryCause, SendSmsResult, Sms};
use crate::store::{JobKind, NextStep, NotificationRecipient, SmsOutcome};

impl SmsJobs {
    /// 1. It is not too old: else it is dropped, with a line in the log that says which, and not what it said.
    /// 2. The subscriber is still there, and still has the number: a number's next subscriber is sent nothing that was for the
    ///    last one. Else it is dropped, and the partner does not learn of it. One whose account is suspended is sent it: it
    ///    may be about that.
    /// 3. Sends it, also when that may be the second time.
    pub(super) async fn send_notification(
        &self,
        notification_id: &str,
        sealed: &[u8],
        attempt: u32,
    ) -> SmsOutcome {
        let spec = JobKind::NotificationSms.spec();
        let retry = || -> SmsOutcome { self.retry.plan(spec.retry, attempt).into() };
        let NotificationRecipient { accepted_at, subscriber } =
            match self.store.find_notification_recipient(notification_id.to_owned()).await {
                Ok(Some(addressee)) => addressee,
                // Erased meanwhile: the job went as well.
                Ok(None) => return SmsOutcome::NotSent(NextStep::Drop),
                Err(error) => {
                    tracing::error!(?error, "whom a message is for could not be read");
                    return retry();
                }
            };

        // 1.
        let expires_at = spec.expiry.from_moment(accepted_at);
        if expires_at.is_some_and(|at| self.clock.now() >= at) {
            tracing::error!(
                notification_id,
                attempt,
                "a partner's message could not be sent for a day, and is dropped"
            );
            return SmsOutcome::NotSent(NextStep::Drop);
        }

        // 2.
        let Some(subscriber) = subscriber else { return SmsOutcome::NotSent(NextStep::Drop) };
        let plain = self.vault.open_message(sealed);
        let (Ok(msisdn), Some(body)) = (
            self.vault.open_number(&subscriber.number.sealed),
            plain.as_ref().and_then(|plain| std::str::from_utf8(plain).ok()),
        ) else {
            tracing::error!(notification_id, "a sealed message or its number does not open");
            return retry();
        };
        let Ok(account) = self.accounts.find_account(&msisdn).await else { return retry() };
        if !SubscriberStatus::of(&subscriber.subscriber_ref, account).has_number() {
            tracing::info!(notification_id, "a message's number is nobody's or somebody else's by now");
            return SmsOutcome::NotSent(NextStep::Drop);
        }

        // 3.
        let text = Sms { to: &msisdn, body, urgent: false, valid_until: expires_at, receipt: false };
        match self.gateway.send(&text).await {
            SendSmsResult::Accepted { message_id } => SmsOutcome::Sent { message_id },
            SendSmsResult::Later(RetryCause::Throttled | RetryCause::Unreachable) => retry(),
            SendSmsResult::Later(RetryCause::Unclear) => {
                self.retry.plan(spec.retry_if_unclear, attempt).into()
            }
            SendSmsResult::Refused => {
                tracing::warn!(notification_id, "the gateway refuses a message's number, or its text");
                SmsOutcome::Refused { code: None }
            }
        }
    }
}
