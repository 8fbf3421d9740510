//! The cut-over: PAIs that were loaded dark are turned on, one in each transaction, so that a cut-over
//! that is interrupted continues where it was. They are turned off in the same way.

pub(super) mod postgres;
pub(super) mod sqlite;

use super::audit::AuditStamp;
use super::database::{Store, use_case};
use super::error::StoreError;
use super::migration_file::MigrationFileKind;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::Pai;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};

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

    /// When the load of a file of each kind has come to its end last.
    pub async fn list_last_loads(&self) -> Result<Vec<(MigrationFileKind, Timestamp)>, StoreError> {
        use_case!(self, read, list_last_loads())
    }

    /// Whether a PAI of the partner was loaded from another system's file.
    pub async fn was_any_loaded(&self, partner: PartnerId) -> Result<bool, StoreError> {
        use_case!(self, read, was_any_loaded(&partner))
    }

    /// A page of all PAIs after `after`, in their order, and whether each is the partner's and on. No index has
    /// those alone, and with such a filter PostgreSQL could read and sort all PAIs for a page.
    pub async fn list_switchable_pais(
        &self,
        partner: PartnerId,
        after: Option<Pai>,
        limit: u32,
    ) -> Result<Vec<SwitchablePai>, StoreError> {
        use_case!(self, read, list_switchable_pais(&partner, after, limit))
    }

    /// How many PAIs of a partner are not dark.
    pub async fn count_pais_that_are_on(&self, partner: PartnerId) -> Result<u64, StoreError> {
        use_case!(self, read, count_pais_that_are_on(&partner))
    }

    /// Which of these PAIs of the partner can be switched this way, in any order. To be turned on, they were
    /// loaded or are dark; each can be turned off, also one that was issued here.
    pub async fn find_switchable_pais(
        &self,
        act: SwitchAct,
        partner: PartnerId,
        pais: Vec<Pai>,
    ) -> Result<Vec<SwitchablePai>, StoreError> {
        use_case!(self, read, find_switchable_pais(act, &partner, &pais))
    }

    /// Adds an entry to the audit: that so many PAIs are about to be turned on or off. Those that are so before
    /// do not count.
    pub async fn record_switch(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        act: SwitchAct,
        partner: PartnerId,
        pais: u64,
    ) -> Result<(), StoreError> {
        use_case!(self, write, record_switch(now, &stamp, act, &partner, pais))
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

    /// Makes a PAI dark, so that another system can charge it. One of which a charge or a refund is under
    /// way stays on: the other system could not say what has become of it, and would charge the same days.
    /// A report of its state that the partner has not taken yet is made once the PAI is on again. Nothing is
    /// turned off while a file is half loaded.
    pub async fn turn_off_pai(
        &self,
        now: Timestamp,
        partner: PartnerId,
        pai: Pai,
    ) -> Result<TurnOffPaiResult, StoreError> {
        use_case!(self, write, turn_off_pai(now, &partner, pai))
    }
}

/// A PAI that may be turned on or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SwitchablePai {
    pub pai: Pai,
    /// It is the partner's, and not dark: it was cut over, or issued here.
    pub is_on: bool,
}

/// Which way PAIs are switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SwitchAct {
    CutOver,
    TurnOff,
}

impl SwitchAct {
    fn audited(self, pais: u64) -> (AuditAct, AuditOutcome) {
        let act = match self {
            Self::CutOver => AuditAct::CutOver,
            Self::TurnOff => AuditAct::TurnedOff,
        };
        (act, if pais > 0 { AuditOutcome::Done } else { AuditOutcome::Unchanged })
    }
}

/// What became of a PAI that was to be turned off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TurnOffPaiResult {
    TurnedOff,
    /// It was dark, or the partner has no such PAI.
    WasDark,
    /// It stays on: billing has not answered yet for a charge or a refund.
    UnderWay,
    /// It stays on: a file is half loaded.
    LoadUnfinished,
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

/// In both databases.
const LAST_LOADS: &str = "SELECT kind, max(loaded_at) AS loaded_at FROM migration_files WHERE state = 'LOADED' GROUP BY kind ORDER BY kind DESC";

/// In SQL: no file is half loaded. A later file of its kind that is loaded stands for one that is not.
macro_rules! all_loads_finished {
    () => {
        "NOT EXISTS (SELECT 1 FROM migration_files f WHERE f.state = 'LOADING'
            AND NOT EXISTS (SELECT 1 FROM migration_files n
                WHERE n.kind = f.kind AND n.state = 'LOADED' AND n.file_id > f.file_id))"
    };
}
use all_loads_finished;

/// In SQL: of a PAI `p`, a charge that was posted here or a refund is under way. What the other system has
/// left PENDING is its own to find out. With an offset, PostgreSQL looks along an index for each charge; SQLite
/// takes no offset without a limit.
macro_rules! is_under_way {
    () => {
        "EXISTS (SELECT 1 FROM transactions t WHERE t.pai = p.pai
            AND (t.status = 'PENDING' AND t.migration_file IS NULL OR EXISTS (SELECT 1 FROM refunds r
                WHERE r.transaction_id = t.transaction_id AND r.status = 'PENDING' LIMIT 1 OFFSET 0)))"
    };
}
use is_under_way;
