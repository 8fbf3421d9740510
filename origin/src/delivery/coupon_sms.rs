//! Sends a coupon's SMS to the customer: the code, or the reminder that its months end.

use super::sealed_sms::{self, CouponSms};
use super::sms_jobs::SmsJobs;
use crate::account::SubscriberStatus;
use crate::sms::{RetryCause, SendSmsResult, Sms};
use crate::store::{JobKind, NextStep, SmsOutcome};

impl SmsJobs {
    /// Sends a coupon's SMS, if its number still belongs to the same subscriber and the coupon has
    /// not expired in the meantime. While its PAI is dark, the SMS waits.
    pub(super) async fn send_coupon(
        &self,
        kind: JobKind,
        coupon_id: &str,
        sealed: &[u8],
        attempt: u32,
    ) -> SmsOutcome {
        let Some(message) = sealed_sms::open::<CouponSms>(&self.vault, sealed) else {
            tracing::error!("a sealed message cannot be opened with the keys of the ring");
            return SmsOutcome::NotSent(NextStep::DeadLetter);
        };
        let spec = kind.spec();
        let expires_at = spec.expiry.from_moment(message.expires_at);
        if expires_at.is_some_and(|at| self.clock.now() >= at) {
            return SmsOutcome::NotSent(NextStep::Drop);
        }
        let retry = || -> SmsOutcome { self.retry.plan(spec.retry, attempt).into() };
        match self.store.is_coupon_sms_for_dark(kind, coupon_id.to_owned()).await {
            Ok(false) => {}
            Ok(true) => return retry(),
            Err(error) => {
                tracing::error!(fault = ?error, "the PAI of a coupon's SMS could not be read");
                return retry();
            }
        }
        let Ok(account) = self.accounts.find_account(&message.msisdn).await else { return retry() };
        match SubscriberStatus::of(&message.subscriber_ref, account).has_number() {
            Some(true) => {}
            Some(false) => {
                tracing::warn!("the number of a coupon has no subscriber now, or another one");
                return SmsOutcome::NotSent(NextStep::Drop);
            }
            None => return retry(),
        }
        let text = Sms {
            to: &message.msisdn,
            body: &message.body,
            urgent: false,
            valid_until: expires_at,
            receipt: true,
        };
        match self.submit(&text).await {
            SendSmsResult::Accepted { message_id } => SmsOutcome::Sent { message_id },
            SendSmsResult::Later(RetryCause::Throttled | RetryCause::Unreachable) => retry(),
            SendSmsResult::Later(RetryCause::Unclear) => {
                self.retry.plan(spec.retry_if_unclear, attempt).into()
            }
            SendSmsResult::Refused => {
                tracing::warn!("the SMS gateway refuses the number of a coupon");
                SmsOutcome::Refused { code: None }
            }
        }
    }
}
