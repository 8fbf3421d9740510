//! The ledger that an adoption records in.

use crate::ambient::Clock;
use crate::keys::StableIds;
use crate::store::Store;
use onbill_domain::ids::PartnerId;

/// It was restored from a copy, and lacks what came after that.
#[derive(Clone, Copy)]
pub(super) struct RestoredLedger<'a> {
    pub(super) store: &'a Store,
    pub(super) ids: &'a StableIds,
    pub(super) clock: &'a dyn Clock,
    /// The partner of the statement.
    pub(super) partner: &'a PartnerId,
}
