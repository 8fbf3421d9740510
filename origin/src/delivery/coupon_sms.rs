//! A coupon's SMS, on its way to the customer: the code, or the reminder that its months end.

use super::sealed_sms::{self, CouponSms};
use super::sms_jobs::SmsJobs;
use crate::account::SubscriberStatus;
use crate::sms::{Cause, Sent, Text};
use crate::store::HandOff;

/// Seconds until the next attempt at an SMS that may be on its way already; then a person has to look, as the customer would
/// get it again with each of them.
const UNCLEAR_RETRY_DELAYS: [i64; 6] = [60, 600, 3_600, 21_600, 86_400, 86_400];

impl SmsJobs {
    /// Sends a coupon's SMS, if its number is still the same subscriber's and the coupon has not expired meanwhile.
    pub(super) async fn send_coupon(&self, sealed: &[u8], attempt: u32) -> HandOff {
        let Some(message) = sealed_sms::open::<CouponSms>(&self.vault, sealed) else {
            tracing::error!("a sealed message does not open");
            return HandOff::Parked;
        };
        if self.clock.now() >= message.expires_at {
            return HandOff::Dropped;
        }
        let repeat = || HandOff::Later { due_at: self.retry.repeat(attempt) };
        let Ok(account) = self.accounts.find_account(&message.msisdn).await else { return repeat() };
        if !SubscriberStatus::of(&message.subscriber_ref, account).has_number() {
            tracing::warn!("a coupon's number is nobody's or somebody else's by now");
            return HandOff::Dropped;
        }
        let text = Text {
            to: &message.msisdn,
            body: &message.body,
            urgent: false,
            valid_until: Some(message.expires_at),
            receipt: true,
        };
        match self.gateway.send(&text).await {
            Sent::Accepted { message_id } => HandOff::Sent { message_id },
            Sent::Later(Cause::Throttled | Cause::Unreachable) => repeat(),
            Sent::Later(Cause::Unclear) => {
                let next = self.retry.next_attempt(attempt, &UNCLEAR_RETRY_DELAYS);
                next.map_or(HandOff::Parked, |due_at| HandOff::Later { due_at })
            }
            Sent::Refused => {
                tracing::warn!("the gateway refuses a coupon's number");
                HandOff::Refused { raw_code: None }
            }
        }
    }
}
