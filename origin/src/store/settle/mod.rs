//! The roof of the store: writing what a job came to, with everything that follows from it. It may call every noun, and
//! no noun calls it.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::queue::{HandOff, Job, LeasedJob, SettleResult, Subject, WebhookJob};
use crate::store::redemption::RedemptionOutcome;
use onbill_domain::timestamp::Timestamp;

impl Store {
    /// Closes the books on the caller's own hand-off attempt: writes the outcome if it is not settled yet, fixes
    /// the answer that every replay of the post will get, and gives it with what became of the outcome. When a replay
    /// fixed the answer meanwhile, the partner does not read the outcome in it, and is told by a notice.
    pub async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, SettleResult), StoreError> {
        use_case!(self, write, answer_transaction(now, &transaction_id, &outcome))
    }

    /// As [`Self::answer_transaction`], for a refund. One that is declined is off the charge no more.
    pub async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: HandOff,
    ) -> Result<(Vec<u8>, SettleResult), StoreError> {
        use_case!(self, write, answer_refund(now, &refund_id, &outcome))
    }

    /// Closes the books on the caller's own hand-off attempt: as [`super::Ledger::answer_transaction`]. A coupon whose
    /// charge is declined by then is free again; from here on it is spent, whatever becomes of its charge.
    pub async fn answer_redemption(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: HandOff,
    ) -> Result<(RedemptionOutcome, SettleResult), StoreError> {
        use_case!(self, write, answer_redemption(now, &transaction_id, &outcome))
    }

    /// Writes what came of a leased entry. A charge or a refund that is settled by it is put into the outbox anew, as a
    /// notice to the partner, whose post was answered before.
    pub async fn settle(
        &self,
        now: Timestamp,
        entry: LeasedJob,
        outcome: HandOff,
    ) -> Result<SettleResult, StoreError> {
        use_case!(self, write, settle(now, &entry, &outcome))
    }

    /// Writes billing's verdict on a line, as [`super::Outbox::settle`] does.
    pub async fn settle_line(
        &self,
        now: Timestamp,
        file_id: String,
        line: u32,
        verdict: HandOff,
    ) -> Result<SettleResult, StoreError> {
        use_case!(self, write, settle_line(now, &file_id, line, &verdict))
    }

    /// Makes sure that a job is in the queue and due: one that is a dead letter, that waits for its next attempt, or that is
    /// missing. What is settled already is not asked about again, and what is not settled is not reported.
    pub async fn redrive(&self, now: Timestamp, target: RedriveTarget) -> Result<RedriveResult, StoreError> {
        use_case!(self, write, redrive(now, &target))
    }
}

/// A job to be redriven, by our id of the charge or refund.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedriveTarget {
    /// Ask billing about a pending charge.
    Charge(String),
    /// Ask billing about a pending refund.
    Refund(String),
    /// Report a settled charge to the partner.
    ChargeWebhook(String),
    /// Report a settled refund to the partner.
    RefundWebhook(String),
}

/// Where a target is found.
pub(in crate::store) struct RedriveParts<'a> {
    pub(in crate::store) job: Job,
    pub(in crate::store) table: &'static str,
    pub(in crate::store) column: &'static str,
    pub(in crate::store) id: &'a str,
}

impl RedriveTarget {
    pub(in crate::store) fn parts(&self) -> RedriveParts<'_> {
        let (transaction_id, refund_id) = (Subject::Transaction.column(), Subject::Refund.column());
        let (job, table, column, id) = match self {
            Self::Charge(id) => {
                (Job::Charge { transaction_id: id.clone() }, "transactions", transaction_id, id)
            }
            Self::Refund(id) => (Job::Refund { refund_id: id.clone() }, "refunds", refund_id, id),
            Self::ChargeWebhook(id) => {
                let webhook = WebhookJob::Charge { transaction_id: id.clone() };
                (Job::Webhook(webhook), "transactions", transaction_id, id)
            }
            Self::RefundWebhook(id) => {
                let webhook = WebhookJob::Refund { refund_id: id.clone() };
                (Job::Webhook(webhook), "refunds", refund_id, id)
            }
        };
        RedriveParts { job, table, column, id }
    }

    /// Whether it is about what is settled: what is pending cannot be reported, and what is settled not asked about.
    pub(in crate::store) fn wants_settled(&self) -> bool {
        match self {
            Self::Charge(_) | Self::Refund(_) => false,
            Self::ChargeWebhook(_) | Self::RefundWebhook(_) => true,
        }
    }
}

/// What redriving a job came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedriveResult {
    /// It was a dead letter, and is due now.
    Redriven,
    /// It was waiting for its next attempt, and is due now.
    MadeDue,
    /// It was missing, and is in the queue again.
    Requeued,
    /// It is due already, or leased, or in a file that billing has to answer. Nothing was changed.
    InProgress,
    /// There is nothing to ask billing about, or nothing to report. Nothing was changed.
    NotNeeded,
}
