//! Reminders that the days of a coupon end soon.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::SealedNumber;
use onbill_domain::day::Day;
use onbill_domain::ids::OfferId;
use onbill_domain::locale::Locale;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Lists users to be reminded that their coupon's days end soon, at most `limit` of them. It
    /// leaves out users whose days continue with another coupon, who have subscribed, who have been
    /// reminded, or whose PAI is dark.
    pub async fn list_due_reminders(
        &self,
        today: Day,
        ends_by: Day,
        limit: u32,
    ) -> Result<Vec<DueReminder>, StoreError> {
        use_case!(self, read, list_due_reminders(today, ends_by, limit))
    }

    /// Queues the reminder SMS, once. False when it was queued before or is no longer due.
    pub async fn queue_reminder(
        &self,
        now: Timestamp,
        transaction_id: String,
        message: Vec<u8>,
    ) -> Result<bool, StoreError> {
        use_case!(self, write, queue_reminder(now, &transaction_id, &message))
    }
}

/// A user whose coupon's days end soon.
#[derive(Clone, Debug)]
pub struct DueReminder {
    /// The coupon's charge.
    pub transaction_id: String,
    pub number: SealedNumber,
    pub subscriber_ref: String,
    /// The language of the coupon.
    pub locale: Locale,
    pub offer: OfferId,
    pub paid_until: Day,
}
