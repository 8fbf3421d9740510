//! Reminds subscribers that the months of a coupon end.

use super::DAY_SECONDS;
use super::desk::Coupons;
use super::text;
use crate::fault::Fault;
use crate::store::{DueReminder, Queue};
use onbill_domain::day::Day;
use onbill_domain::timestamp::Timestamp;

/// Reminders read at once.
const REMINDERS: u32 = 100;

impl Coupons {
    /// Reminds each subscriber whose months end soon, once, of how to continue; returns the number
    /// of reminders.
    pub async fn remind_all(&self) -> Result<usize, Fault> {
        let Some((settings, url)) = self
            .config
            .coupons
            .as_ref()
            .and_then(|settings| Some((settings, settings.continue_url.as_ref()?)))
        else {
            return Ok(0);
        };
        let mut reminded = 0;
        loop {
            let now = self.clock.now();
            let ends_by = Day::of_timestamp(now.plus_seconds(i64::from(settings.remind_days) * DAY_SECONDS));
            let due = self.store.list_due_reminders(Day::of_timestamp(now), ends_by, REMINDERS).await?;
            let before = reminded;
            for reminder in due {
                match self.remind(now, url, reminder).await {
                    Ok(put) => reminded += usize::from(put),
                    // The other reminders are still sent.
                    Err(fault) => tracing::error!(?fault, "a coupon reminder could not be queued"),
                }
            }
            if reminded == before {
                return Ok(reminded);
            }
            self.wake_up.wake(Queue::Coupons);
        }
    }

    async fn remind(&self, now: Timestamp, url: &str, due: DueReminder) -> Result<bool, Fault> {
        let msisdn = self.vault.open_number(&due.number.sealed)?;
        let title = self.config.offer(&due.offer).map_or(due.offer.as_str(), |offer| &offer.title);
        let body = text::reminder_sms(&self.config.name, title, due.paid_until, url, due.locale);
        let ends_at = due.paid_until.starts_at().plus_seconds(DAY_SECONDS);
        let message = self.seal_message(&msisdn, body, &due.subscriber_ref, ends_at)?;
        Ok(self.store.queue_reminder(now, due.transaction_id, message).await?)
    }
}
