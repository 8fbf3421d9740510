//! Messages of partners to subscribers: taken, counted, and who gets them when they are sent. What they say is in the
//! outbox alone, sealed, until then.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, Holder};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Takes a message and puts it into the outbox; one of the same name was taken before.
    pub async fn notify(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewNotification,
    ) -> Result<Notifying, StoreError> {
        use_case!(self, write(nonce), notify(now, &new))
    }

    /// Whom a message is for, as they are now; `None` when it is not known.
    pub async fn addressee(&self, notification_id: String) -> Result<Option<Addressee>, StoreError> {
        use_case!(self, read, addressee(&notification_id))
    }
}

/// A message without a name is remembered for so long, in seconds: its day, at whichever hour it came, and some.
pub const UNNAMED_SECONDS: i64 = 2 * 86_400;

/// A message to take.
#[derive(Clone)]
pub struct NewNotification {
    /// Our name for it.
    pub notification_id: String,
    /// Who says it.
    pub partner: PartnerId,
    /// To whom.
    pub pai: Pai,
    /// The partner's name for it, and a keyed hash of everything in the request.
    pub named: Option<(ExtId, Hash)>,
    /// What it says, sealed.
    pub message: Vec<u8>,
}

/// How taking a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notifying {
    /// It will be sent.
    Accepted,
    /// The same was taken before, whatever has become of it and of its subscriber.
    Replayed,
    /// The partner used this name for another message.
    Conflict,
    /// No such PAI of this partner, or it is closed.
    PaiNotFound,
    /// The subscriber has had the partner's messages of this day (UTC).
    TooMany,
}

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addressee {
    /// When it was taken.
    pub accepted_at: Timestamp,
    /// The subscriber, with the number that they have now; `None` when their PAI is closed.
    pub holder: Option<Holder>,
}
