//! What becomes of a coupon's newest text message.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::UndeliveredReason;

impl Store {
    /// Notes how a text message ended, also when nobody knows yet which one it is. That it is on the phone counts more than
    /// that it never will be, in whichever order that is heard. Gives our name for the coupon whose message is not coming,
    /// the first time.
    pub async fn text_ended(
        &self,
        now: Timestamp,
        message_id: String,
        end: TextEnd,
    ) -> Result<Option<String>, StoreError> {
        use_case!(self, write, ended(now, &message_id, &end))
    }
}

/// A receipt whose message is not known is kept for so long, in seconds: by then the message centre has given up too.
pub const RECEIPT_SECONDS: i64 = 3 * 86_400;

/// What the message centre reports of a text message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextEnd {
    /// It is on the phone.
    Delivered,
    /// It never will be.
    Undelivered {
        /// Why.
        reason: UndeliveredReason,
        /// The gateway's own code.
        code: Option<String>,
    },
}

/// What a report of a text message has come to.
pub(in crate::store) enum Heard {
    /// No coupon's newest message has this name.
    Nobodys,
    /// The books say so, or more.
    Known,
    /// This coupon's message is not coming, which is news.
    Lost(String),
}
