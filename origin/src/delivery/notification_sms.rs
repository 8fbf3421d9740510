//! A partner's message, on its way to the subscriber.

use super::sms_jobs::SmsJobs;
use crate::account::SubscriberStatus;
use crate::sms::{Cause, Sent, Text};
use crate::store::{Addressee, HandOff};
use onbill_domain::limits::NOTIFICATION_TTL_SECONDS;

/// Seconds until the next attempt at a message that may be on its way already: the subscriber would get it again with each
/// of them, so there are few.
const UNCLEAR_RETRY_DELAYS: [i64; 4] = [60, 600, 3_600, 21_600];
/// Seconds between all attempts after those: at most two more before the message is too old.
const UNCLEAR_RETRY_LAST_DELAY: i64 = 43_200;

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
    ) -> HandOff {
        let repeat = || HandOff::Later { due_at: self.retry.repeat(attempt) };
        let Addressee { accepted_at, holder } = match self.store.addressee(notification_id.to_owned()).await {
            Ok(Some(addressee)) => addressee,
            // Erased meanwhile: the job went as well.
            Ok(None) => return HandOff::Dropped,
            Err(error) => {
                tracing::error!(?error, "whom a message is for could not be read");
                return repeat();
            }
        };

        // 1.
        let too_old_at = accepted_at.plus_seconds(NOTIFICATION_TTL_SECONDS);
        if self.clock.now() >= too_old_at {
            tracing::error!(
                notification_id,
                attempt,
                "a partner's message could not be sent for a day, and is dropped"
            );
            return HandOff::Dropped;
        }

        // 2.
        let Some(holder) = holder else { return HandOff::Dropped };
        let plain = self.vault.open_message(sealed);
        let (Ok(msisdn), Some(body)) = (
            self.vault.open_number(&holder.number.sealed),
            plain.as_ref().and_then(|plain| std::str::from_utf8(plain).ok()),
        ) else {
            tracing::error!(notification_id, "a sealed message or its number does not open");
            return repeat();
        };
        let Ok(account) = self.accounts.find_account(&msisdn).await else { return repeat() };
        if !SubscriberStatus::of(&holder.subscriber_ref, account).has_number() {
            tracing::info!(notification_id, "a message's number is nobody's or somebody else's by now");
            return HandOff::Dropped;
        }

        // 3.
        let text = Text { to: &msisdn, body, urgent: false, valid_until: Some(too_old_at), receipt: false };
        match self.gateway.send(&text).await {
            Sent::Accepted { .. } => HandOff::Done { raw_code: None },
            Sent::Later(Cause::Throttled | Cause::Unreachable) => repeat(),
            Sent::Later(Cause::Unclear) => {
                let next = self.retry.next_attempt(attempt, &UNCLEAR_RETRY_DELAYS);
                let due_at = next.unwrap_or_else(|| self.retry.after(UNCLEAR_RETRY_LAST_DELAY));
                HandOff::Later { due_at }
            }
            Sent::Refused => {
                tracing::warn!(notification_id, "the gateway refuses a message's number, or its text");
                HandOff::Dropped
            }
        }
    }
}
