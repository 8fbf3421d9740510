//! The part of the outbox that reaches billing in files. An entry that is put into a file leaves the outbox and becomes
//! a line; a line is for ever, so that no charge and no refund is ever in two files.

use super::{Charge, Entry, HandOff, Hash, Refund, Settling, StoreError};
use async_trait::async_trait;
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;

/// Files for billing, and what billing said to them.
#[async_trait]
pub trait Filing: Send + Sync {
    /// When the newest file was made.
    async fn last_filed_at(&self) -> Result<Option<Timestamp>, StoreError>;

    /// Makes a file of leased charges and refunds, in this order, and gives how many lines it has. An entry whose lease has
    /// gone to somebody else, or that is settled, stays out; when none is left there is no file.
    async fn file(&self, now: Timestamp, file_id: String, entries: Vec<Entry>) -> Result<u32, StoreError>;

    /// Files that are not known to be written yet, oldest first, a few at a time. One that has a response was written.
    async fn unwritten_files(&self) -> Result<Vec<File>, StoreError>;

    /// The file of this name.
    async fn file_named(&self, file_id: String) -> Result<Option<File>, StoreError>;

    /// The lines of a file, first to last: the same for ever, however they are settled.
    async fn file_lines(&self, file_id: String) -> Result<Vec<FileLine>, StoreError>;

    /// Notes that a file is where billing finds it, and the SHA-256 of what is in it.
    async fn file_written(&self, now: Timestamp, file_id: String, sha256: Hash) -> Result<(), StoreError>;

    /// Takes a response of this SHA-256 as billing's word on a file, unless another was taken before. From then on it is
    /// carried out, and nothing else.
    async fn take_response(&self, file_id: String, sha256: Hash) -> Result<ResponseTaking, StoreError>;

    /// Writes billing's verdict on a line, as [`super::Outbox::settle`] does.
    async fn settle_line(
        &self,
        now: Timestamp,
        file_id: String,
        line: u32,
        verdict: HandOff,
    ) -> Result<Settling, StoreError>;

    /// Notes that every line of a file is settled.
    async fn file_acknowledged(&self, now: Timestamp, file_id: String) -> Result<(), StoreError>;

    /// Names of files that were made by then and of which a line is not settled, oldest first, a few of them.
    async fn unacknowledged_files(&self, made_by: Timestamp) -> Result<Vec<String>, StoreError>;
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
