//! Delivery of a coupon's newest SMS.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::queue::JobKind;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;

impl Store {
    /// Whether an SMS of a coupon is for a PAI that is dark: its code is for the buyer, and the reminder that
    /// its months end for the user.
    pub async fn is_coupon_sms_for_dark(&self, kind: JobKind, coupon_id: String) -> Result<bool, StoreError> {
        use_case!(self, read, is_coupon_sms_for_dark(kind, &coupon_id))
    }

    /// Records a receipt of the SMS gateway, also when the SMS is not known yet: the receipt may
    /// arrive before the gateway's response. Delivered wins over undelivered, in whichever order
    /// they arrive. Returns the id of the coupon whose SMS is lost, the first time.
    pub async fn record_sms_receipt(
        &self,
        now: Timestamp,
        message_id: String,
        end: SmsReceipt,
    ) -> Result<Option<String>, StoreError> {
        use_case!(self, write, record_sms_receipt(now, &message_id, &end))
    }
}

/// In SQL: the PAI that an SMS of a coupon `c` is for.
fn addressed_pai(kind: JobKind) -> &'static str {
    if kind == JobKind::CouponReminderSms {
        "(SELECT r.pai FROM coupon_redemptions r WHERE r.transaction_id = c.transaction_id)"
    } else {
        "c.pai"
    }
}

/// How long a receipt of an unknown SMS is kept, in seconds. By then the gateway retries no longer, either.
pub const RECEIPT_SECONDS: i64 = 3 * 86_400;

/// What the SMS gateway reports of an SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SmsReceipt {
    Delivered,
    Undelivered {
        reason: UndeliveredReason,
        /// The gateway's own code.
        code: Option<String>,
    },
}

/// What a receipt has changed.
pub(in crate::store) enum ReceiptEffect {
    /// It belongs to no coupon's newest SMS.
    UnknownMessage,
    /// The stored state says as much, or more.
    Unchanged,
    /// The SMS of this coupon is lost, which was not known before.
    Lost(String),
}
