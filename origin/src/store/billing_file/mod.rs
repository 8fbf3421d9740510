//! Files for billing, and its responses. A job that is put into a file leaves the queue and becomes
//! a line. Lines are permanent, so no charge and no refund is ever in two files.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::call_trace::CallTrace;
use crate::config::FileColumns;
use crate::store::charge::Charge;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::queue::LeasedJob;
use crate::store::refund::Refund;
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;

impl Store {
    pub async fn find_newest_file_time(&self, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, read, find_newest_file_time(now))
    }

    /// Makes a file of leased charges and refunds, in this order and with these columns, and returns
    /// how many lines it has. A job that is leased to another, or settled, stays out; without any line there is no
    /// file.
    pub async fn create_billing_file(
        &self,
        now: Timestamp,
        file_id: String,
        entries: Vec<LeasedJob>,
        columns: FileColumns,
    ) -> Result<u32, StoreError> {
        use_case!(self, write, create_billing_file(now, &file_id, &entries, &columns))
    }

    /// Files that are not known to be written, oldest first, a few at a time. A file that has a
    /// response was written.
    pub async fn list_unwritten_files(&self) -> Result<Vec<BillingFile>, StoreError> {
        use_case!(self, read, list_unwritten_files())
    }

    pub async fn find_billing_file(&self, file_id: String) -> Result<Option<BillingFile>, StoreError> {
        use_case!(self, read, find_billing_file(&file_id))
    }

    /// The lines in order. They stay the same, whatever their outcome.
    pub async fn list_file_lines(&self, file_id: String) -> Result<Vec<BillingFileLine>, StoreError> {
        use_case!(self, read, list_file_lines(&file_id))
    }

    /// Records that the file is where billing finds it, and the SHA-256 of its contents.
    pub async fn mark_file_written(
        &self,
        now: Timestamp,
        file_id: String,
        sha256: Hash,
    ) -> Result<(), StoreError> {
        use_case!(self, write, mark_file_written(now, &file_id, sha256))
    }

    /// Accepts the response with this SHA-256 as billing's, unless another was accepted before.
    pub async fn accept_response(
        &self,
        file_id: String,
        sha256: Hash,
    ) -> Result<AcceptResponseResult, StoreError> {
        use_case!(self, write, accept_response(&file_id, sha256))
    }

    /// Records that every line of the file is settled.
    pub async fn mark_file_acknowledged(&self, now: Timestamp, file_id: String) -> Result<(), StoreError> {
        use_case!(self, write, mark_file_acknowledged(now, &file_id))
    }

    /// Ids of files made by then that have a line which is not settled, oldest first, a few at a
    /// time.
    pub async fn list_unacknowledged_files(&self, made_by: Timestamp) -> Result<Vec<String>, StoreError> {
        use_case!(self, read, list_unacknowledged_files(made_by))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingFile {
    /// The file's name without its extension.
    pub file_id: String,
    pub created_at: Timestamp,
    pub lines: u32,
    pub columns: FileColumns,
    /// When it was written to where billing finds it.
    pub written_at: Option<Timestamp>,
    /// When the last of its lines was settled.
    pub acknowledged_at: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingFileLine {
    /// From 1.
    pub line: u32,
    /// That of the job that was put into the file, until every line of the file is settled.
    pub trace: Option<CallTrace>,
    pub bill: BillingItem,
}

/// What is submitted to billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BillingItem {
    Charge(Charge),
    Refund(Refund),
}

impl BillingItem {
    /// The id by which billing responds.
    pub fn id(&self) -> &str {
        match self {
            Self::Charge(charge) => &charge.transaction_id,
            Self::Refund(refund) => &refund.refund_id,
        }
    }

    pub fn amount(&self) -> Money {
        match self {
            Self::Charge(charge) => charge.amount,
            Self::Refund(refund) => refund.amount,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AcceptResponseResult {
    /// The response is billing's: the first, or the same one again.
    Accepted,
    /// Another response was accepted before.
    AnotherAccepted,
}
