//! Dead letters: jobs of the queue whose attempts have ended, and that wait for a person.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::last_answer::LastAnswer;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::queue::JobKind;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Dead letters by ascending id, beginning after `after`.
    pub async fn dead_letters(&self, after: Option<i64>, limit: u32) -> Result<Vec<DeadLetter>, StoreError> {
        use_case!(self, read, dead_letters(after, limit))
    }

    /// The kinds of which there is a dead letter.
    pub async fn list_dead_letter_kinds(&self) -> Result<Vec<JobKind>, StoreError> {
        use_case!(self, read, list_dead_letter_kinds())
    }

    /// Makes a dead letter due, and begins its schedule of attempts again. They count from one,
    /// because an earlier attempt may have reached billing: a charge is looked up before it is
    /// submitted again. False when there is no such dead letter.
    pub async fn redrive_dead_letter(&self, now: Timestamp, job_id: i64) -> Result<bool, StoreError> {
        use_case!(self, write, redrive_dead_letter(now, job_id))
    }
}

/// A job that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    pub job_id: i64,
    /// The kind. A PIN, a PAI and a partner's message never become dead letters.
    pub kind: JobKind,
    /// Our id of the charge, refund or coupon.
    pub id: String,
    /// The partner that it concerns.
    pub partner: PartnerId,
    /// The partner's id of the charge or refund; the operator's id of a coupon.
    pub ext_id: ExtId,
    pub attempts: u32,
    pub dead_lettered_at: Timestamp,
    /// What the other party of the last attempt has answered, if it is known.
    pub last_answer: Option<LastAnswer>,
}
