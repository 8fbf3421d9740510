//! Messages of partners to subscribers: accepted, counted, and addressed when they are sent. The
//! text is in the queue only, sealed, until then.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{BilledSubscriber, Hash};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Accepts a message and queues it. One with the same id was accepted before.
    pub async fn post_notification(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewNotification,
    ) -> Result<PostNotificationResult, StoreError> {
        use_case!(self, write(nonce), post_notification(now, &new))
    }

    /// Who gets the message, as of now; `None` when there is no such message.
    pub async fn find_notification_recipient(
        &self,
        notification_id: String,
    ) -> Result<Option<NotificationRecipient>, StoreError> {
        use_case!(self, read, find_notification_recipient(&notification_id))
    }
}

/// How long a message without an id is kept, in seconds: the day for which it counts, and a margin.
pub const UNNAMED_SECONDS: i64 = 2 * 86_400;

/// What became of a message that is not to be sent any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::store) enum TakenBack {
    /// It had left the queue: sent, or dropped.
    WasNotQueued,
    /// It was never attempted, and is forgotten as if it had not been accepted.
    Unsent,
    /// It was attempted, and an attempt may be under way.
    Attempted,
}

#[derive(Clone)]
pub struct NewNotification {
    pub notification_id: String,
    pub partner: PartnerId,
    pub pai: Pai,
    /// The partner's id and a keyed hash of the whole request, if it has an id.
    pub named: Option<(ExtId, Hash)>,
    /// The sealed text.
    pub message: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostNotificationResult {
    Accepted,
    /// The same message was accepted before.
    Replayed,
    /// The partner used this id for another message.
    Conflict,
    /// The partner has no such PAI, or it is closed.
    PaiNotFound,
    /// The subscriber has had the partner's messages of this day (UTC).
    TooMany,
    /// The PAI is dark: another system answers for it.
    NotCutOver,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationRecipient {
    pub accepted_at: Timestamp,
    /// The subscriber with the present number; `None` when the PAI is closed.
    pub subscriber: Option<BilledSubscriber>,
    /// The PAI is: its subscriber gets no SMS.
    pub is_dark: bool,
}
