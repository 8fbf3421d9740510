//! Files for billing, and what billing said to them. An entry that is put into a file leaves the outbox and becomes a
//! line; a line is for ever, so that no charge and no refund is ever in two files.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::charge::Charge;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::queue::LeasedJob;
use crate::store::refund::Refund;
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// When the newest file was made.
    pub async fn last_filed_at(&self) -> Result<Option<Timestamp>, StoreError> {
        use_case!(self, read, last_filed_at())
    }

    /// Makes a file of leased charges and refunds, in this order, and gives how many lines it has. An entry whose lease has
    /// gone to somebody else, or that is settled, stays out; when none is left there is no file.
    pub async fn file(
        &self,
        now: Timestamp,
        file_id: String,
        entries: Vec<LeasedJob>,
    ) -> Result<u32, StoreError> {
        use_case!(self, write, file(now, &file_id, &entries))
    }

    /// Files that are not known to be written yet, oldest first, a few at a time. One that has a response was written.
    pub async fn unwritten_files(&self) -> Result<Vec<File>, StoreError> {
        use_case!(self, read, unwritten())
    }

    /// The file of this name.
    pub async fn file_named(&self, file_id: String) -> Result<Option<File>, StoreError> {
        use_case!(self, read, named(&file_id))
    }

    /// The lines of a file, first to last: the same for ever, however they are settled.
    pub async fn file_lines(&self, file_id: String) -> Result<Vec<FileLine>, StoreError> {
        use_case!(self, read, lines(&file_id))
    }

    /// Notes that a file is where billing finds it, and the SHA-256 of what is in it.
    pub async fn file_written(
        &self,
        now: Timestamp,
        file_id: String,
        sha256: Hash,
    ) -> Result<(), StoreError> {
        use_case!(self, write, written(now, &file_id, sha256))
    }

    /// Takes a response of this SHA-256 as billing's word on a file, unless another was taken before. From then on it is
    /// carried out, and nothing else.
    pub async fn take_response(&self, file_id: String, sha256: Hash) -> Result<ResponseTaking, StoreError> {
        use_case!(self, write, take_response(&file_id, sha256))
    }

    /// Notes that every line of a file is settled.
    pub async fn file_acknowledged(&self, now: Timestamp, file_id: String) -> Result<(), StoreError> {
        use_case!(self, write, acknowledged(now, &file_id))
    }

    /// Names of files that were made by then and of which a line is not settled, oldest first, a few of them.
    pub async fn unacknowledged_files(&self, made_by: Timestamp) -> Result<Vec<String>, StoreError> {
        use_case!(self, read, unacknowledged(made_by))
    }
}

/// A file for billing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    /// Its name, without an ending.
    pub file_id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// How many lines it has.
    pub lines: u32,
    /// When it was written for billing to find.
    pub written_at: Option<Timestamp>,
    /// When the last of its lines was settled.
    pub acknowledged_at: Option<Timestamp>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileLine {
    /// Its number, from 1.
    pub line: u32,
    /// What it asks for.
    pub bill: Bill,
}

/// What billing is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bill {
    /// Put a charge on the bill.
    Charge(Charge),
    /// Give some of a charge back.
    Refund(Refund),
}

impl Bill {
    /// Our own name for it, under which billing answers.
    pub fn id(&self) -> &str {
        match self {
            Self::Charge(charge) => &charge.transaction_id,
            Self::Refund(refund) => &refund.refund_id,
        }
    }

    /// How much.
    pub fn amount(&self) -> Money {
        match self {
            Self::Charge(charge) => charge.amount,
            Self::Refund(refund) => refund.amount,
        }
    }
}

/// How taking a response went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseTaking {
    /// It is billing's word: the first, or the same again.
    Taken,
    /// Billing has said something else before.
    AnotherBefore,
}
