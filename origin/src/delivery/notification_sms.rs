//! Sends messages to subscribers: those of partners, and the announcements of a new price.

use super::sealed_sms::{NotificationSms, open};
use super::sms_jobs::SmsJobs;
use crate::account::SubscriberStatus;
use crate::instruments::{Alarm, raise_alarm};
use crate::sms::{RetryCause, SendSmsResult, Sms};
use crate::store::{JobKind, NextStep, NotificationRecipient, SmsOutcome};

impl SmsJobs {
    /// 1. The message must not be too old. Otherwise it is dropped with an alarm, which has its id,
    ///    but not its contents: it may be what announces a higher price.
    /// 2. The subscriber must still exist and still have the number: the number's next subscriber
    ///    gets nothing that was meant for the last one. Otherwise the message is dropped, and the
    ///    partner does not learn of it. A suspended subscriber still gets it, as it may be about
    ///    the suspension. While the PAI is dark, the message waits.
    /// 3. Sends it, even when that may be the second time. One that the gateway refuses is dropped
    ///    like one that is too old.
    pub(super) async fn send_notification(
        &self,
        notification_id: &str,
        sealed: &[u8],
        attempt: u32,
    ) -> SmsOutcome {
        let spec = JobKind::NotificationSms.spec();
        let retry = || -> SmsOutcome { self.retry.plan(spec.retry, attempt).into() };
        let NotificationRecipient { accepted_at, subscriber, is_dark } =
            match self.store.find_notification_recipient(notification_id.to_owned()).await {
                Ok(Some(addressee)) => addressee,
                // Erased in the meantime: the job went as well.
                Ok(None) => return SmsOutcome::NotSent(NextStep::Drop),
                Err(error) => {
                    tracing::error!(fault = ?error, "the recipient of a message could not be read");
                    return retry();
                }
            };

        // 1.
        let expires_at = spec.expiry.from_moment(accepted_at);
        if expires_at.is_some_and(|at| self.clock.now() >= at) {
            let (alarms, alarm) = (&self.instruments.alarms, Alarm::MessageDropped);
            let message = "a partner's message could not be sent for a day";
            raise_alarm!(alarms, alarm, notification_id, notification_id, attempt, "{message}");
            return SmsOutcome::NotSent(NextStep::Drop);
        }

        // 2.
        let Some(subscriber) = subscriber else { return SmsOutcome::NotSent(NextStep::Drop) };
        if is_dark {
            return retry();
        }
        let (Ok(msisdn), Some(message)) =
            (self.vault.open_number(&subscriber.number.sealed), open::<NotificationSms>(&self.vault, sealed))
        else {
            tracing::error!(
                notification_id,
                "a sealed message or its number cannot be opened with the keys of the ring"
            );
            return retry();
        };
        let Ok(account) = self.accounts.find_account(&msisdn).await else { return retry() };
        let status = SubscriberStatus::of(&subscriber.subscriber_ref, account);
        match status.has_number() {
            Some(true) => {}
            Some(false) => {
                tracing::info!(
                    notification_id,
                    "the number of a message has no subscriber now, or another one"
                );
                return SmsOutcome::NotSent(NextStep::Drop);
            }
            None => return retry(),
        }

        // 3.
        let body = message.body_for(status.account_type());
        let text = Sms { to: &msisdn, body, urgent: false, valid_until: expires_at, receipt: false };
        match self.submit(&text).await {
            SendSmsResult::Accepted { message_id } => SmsOutcome::Sent { message_id },
            SendSmsResult::Later(RetryCause::Throttled | RetryCause::Unreachable) => retry(),
            SendSmsResult::Later(RetryCause::Unclear) => {
                self.retry.plan(spec.retry_if_unclear, attempt).into()
            }
            SendSmsResult::Refused => {
                let (alarms, alarm) = (&self.instruments.alarms, Alarm::MessageDropped);
                let message = "the SMS gateway refuses the number or the text of a message";
                raise_alarm!(alarms, alarm, notification_id, notification_id, "{message}");
                SmsOutcome::Refused { code: None }
            }
        }
    }
}
