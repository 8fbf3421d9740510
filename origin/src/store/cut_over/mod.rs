//! The cut-over: PAIs that were loaded dark are turned on, one in each transaction, so that a cut-over
//! that is interrupted continues where it was.

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

    /// The files that were loaded without some of their lines, and how many those are.
    pub async fn list_refused_lines(&self) -> Result<Vec<(String, u64)>, StoreError> {
        use_case!(self, read, list_refused_lines())
    }

    /// Which of these PAIs were loaded for the partner, in any order.
    pub async fn list_loaded_pais(&self, partner: PartnerId, pais: Vec<Pai>) -> Result<Vec<Pai>, StoreError> {
        use_case!(self, read, list_loaded_pais(&partner, &pais))
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
    /// other system; it is queued for the partner too if it has changed while the PAI was dark. Nothing is
    /// turned on while a file is half loaded.
    pub async fn cut_over_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
    ) -> Result<CutOverPaiResult, StoreError> {
        use_case!(self, write, cut_over_pai(now, &partner, pai))
    }
}

/// What became of a PAI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutOverPaiResult {
    TurnedOn,
    /// It was not dark, or the partner has no such PAI.
    WasOn,
    /// It is dark, and stays so: a file is half loaded.
    LoadUnfinished,
}

/// The version of a PAI as it was loaded. Each change of its state counts on.
const LOADED_VERSION: i64 = 1;

/// In SQL: no file is half loaded. A later file of its kind that is loaded stands for one that is not.
macro_rules! all_loads_finished {
    () => {
        "NOT EXISTS (SELECT 1 FROM migration_files f WHERE f.state = 'LOADING'
            AND NOT EXISTS (SELECT 1 FROM migration_files n
                WHERE n.kind = f.kind AND n.state = 'LOADED' AND n.file_id > f.file_id))"
    };
}
use all_loads_finished;
