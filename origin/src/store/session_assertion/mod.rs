//! Session assertions of the operator's dashboard that have been used. Each is spent, by the frame of
//! the widget that first presents it: a copy of it is worth nothing to another frame.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::number::Hash;
use onbill_domain::timestamp::Timestamp;

/// An assertion as a frame presents it. The same frame may present it again: its response may have
/// been lost, and its customer may start over.
#[derive(Clone, Debug)]
pub struct PresentedAssertion {
    /// SHA-256 of the whole token, which serves for an id where the dashboard gives none.
    pub assertion: Hash,
    /// SHA-256 of the secret of the frame.
    pub frame: Hash,
    /// When the assertion expires, so that it need not be remembered.
    pub expires_at: Timestamp,
}
