//! The cut-over: PAIs that were loaded dark are turned on, one in each transaction, so that a cut-over
//! that is interrupted goes on where it was.

pub(super) mod postgres;
pub(super) mod sqlite;

use super::audit::AuditStamp;
use super::database::{Store, use_case};
use super::error::StoreError;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// How many PAIs of a partner are dark.
    pub async fn count_dark_pais(&self, partner: PartnerId) -> Result<u64, StoreError> {
        use_case!(self, read, count_dark_pais(&partner))
    }

    /// A page of a partner's dark PAIs after `after`, in their order.
    pub async fn list_dark_pais(
        &self,
        partner: PartnerId,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Vec<Pai>, StoreError> {
        use_case!(self, read, list_dark_pais(&partner, after, limit))
    }

    /// The names of the files whose load has not come to its end.
    pub async fn list_unfinished_loads(&self) -> Result<Vec<String>, StoreError> {
        use_case!(self, read, list_unfinished_loads())
    }

    /// Whether a PAI is dark; `None` when the partner has no such PAI, or it was not loaded.
    pub async fn find_darkness(&self, partner: PartnerId, pai: Pai) -> Result<Option<bool>, StoreError> {
        use_case!(self, look_up, find_darkness(&partner, pai))
    }

    /// Adds an entry to the audit: that a cut-over of so many PAIs begins.
    pub async fn record_cut_over(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        partner: PartnerId,
        pais: u64,
    ) -> Result<(), StoreError> {
        use_case!(self, write, record_cut_over(now, &stamp, &partner, pais))
    }

    /// Turns a dark PAI on, and queues its state for the edge. Its partner has learned the state from the
    /// other system; it is queued for the partner too if it has changed while the PAI was dark. Returns
    /// whether it was dark.
    pub async fn cut_over_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
    ) -> Result<bool, StoreError> {
        use_case!(self, write, cut_over_pai(now, &partner, pai))
    }
}

/// The version of a PAI as it was loaded. Each change of its state counts on.
const LOADED_VERSION: i64 = 1;
