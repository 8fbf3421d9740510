//! The highest module of the store: writes the outcome of a job, with everything that follows from
//! it. It may call the modules of charges, coupons and so on, and none of them calls it.

pub(super) mod answered_charge;
pub(super) mod postgres;
mod postgres_group;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::queue::{
    ChargeDecision, ChargeOutcome, DeliveryOutcome, Job, Lease, LineDecision, RefundOutcome, SettleResult,
    Subject, WebhookJob,
};
use crate::store::redemption_outcome::RedemptionOutcome;
use answered_charge::AnsweredCharge;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::ott::TransactionStatus;

impl Store {
    /// Writes the outcome of the first attempt, unless the charge is settled already; stores the
    /// response that every replay of the post gets, and returns it with the result. Where a replay
    /// has stored it meanwhile, it does not contain the outcome: the partner then gets a webhook.
    pub async fn answer_transaction(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: ChargeOutcome,
    ) -> Result<(Vec<u8>, SettleResult), StoreError> {
        use_case!(
            self,
            write_grouped(answered_charges, AnsweredCharge { now, transaction_id, outcome }),
            answer_transaction(now, &transaction_id, &outcome)
        )
    }

    /// As [`Self::answer_transaction`], for a refund. One that is declined no longer counts as
    /// refunded.
    pub async fn answer_refund(
        &self,
        now: Timestamp,
        refund_id: String,
        outcome: RefundOutcome,
    ) -> Result<(Vec<u8>, SettleResult), StoreError> {
        use_case!(self, write, answer_refund(now, &refund_id, &outcome))
    }

    /// As [`Self::answer_transaction`], for the charge of a coupon. A coupon whose charge is
    /// declined by then is unspent again; from here on it is spent, whatever the outcome of its
    /// charge.
    pub async fn answer_redemption(
        &self,
        now: Timestamp,
        transaction_id: String,
        outcome: ChargeOutcome,
    ) -> Result<(RedemptionOutcome, SettleResult), StoreError> {
        use_case!(self, write, answer_redemption(now, &transaction_id, &outcome))
    }

    /// Writes the outcome of a leased job. A charge or refund that is settled by it is reported to
    /// the partner with a webhook, because its post was answered before.
    pub async fn settle(
        &self,
        now: Timestamp,
        lease: Lease,
        outcome: DeliveryOutcome,
    ) -> Result<SettleResult, StoreError> {
        use_case!(self, write, settle(now, lease, &outcome))
    }

    /// Writes billing's decision on a line of a file, as [`Self::settle`] does.
    pub async fn settle_line(
        &self,
        now: Timestamp,
        file_id: String,
        line: u32,
        decision: LineDecision,
    ) -> Result<SettleResult, StoreError> {
        use_case!(self, write, settle_line(now, &file_id, line, &decision))
    }

    /// Makes sure that a job is in the queue and due: one that is a dead letter, that waits for its
    /// next attempt, or that is missing. A settled charge or refund is not queried again, and a
    /// pending one is not reported.
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

/// How a target is found.
pub(in crate::store) struct RedriveParts<'a> {
    pub(in crate::store) job: Job,
    pub(in crate::store) table: &'static str,
    pub(in crate::store) column: &'static str,
    pub(in crate::store) id: &'a str,
    /// Leaves claims out: their outcome is the other system's to find and to report.
    pub(in crate::store) which: &'static str,
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
        let which = if table == "transactions" { "AND migration_file IS NULL" } else { "" };
        RedriveParts { job, table, column, id, which }
    }

    /// Whether the target is about a settled charge or refund: a pending one cannot be reported,
    /// and a settled one need not be queried.
    pub(in crate::store) fn wants_settled(&self) -> bool {
        match self {
            Self::Charge(_) | Self::Refund(_) => false,
            Self::ChargeWebhook(_) | Self::RefundWebhook(_) => true,
        }
    }
}

/// The result of redriving a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedriveResult {
    /// The job was a dead letter, and is due now.
    Redriven,
    /// The job was waiting for its next attempt, and is due now.
    MadeDue,
    /// The job was missing, and is in the queue again.
    Requeued,
    /// The job is due already, or leased, or in a file that awaits billing's response. Nothing was
    /// changed.
    InProgress,
    /// There is nothing to ask billing about, or nothing to report. Nothing was changed.
    NotNeeded,
}

/// The columns that a decision on a charge fills.
#[derive(Clone, Copy)]
struct DecisionParts<'a> {
    status: TransactionStatus,
    reason: Option<DeclineReason>,
    /// Whose code it is; `None` for one of billing's.
    raw_scope: Option<&'static str>,
    raw_code: Option<&'a str>,
    billed_on: Option<Day>,
}

impl<'a> DecisionParts<'a> {
    fn of(decision: &'a ChargeDecision) -> Self {
        let declined = |reason, raw_code| Self {
            status: TransactionStatus::Declined,
            reason: Some(reason),
            raw_scope: None,
            raw_code,
            billed_on: None,
        };
        match decision {
            ChargeDecision::Approved { raw_code, billed_on } => Self {
                status: TransactionStatus::Approved,
                reason: None,
                raw_scope: None,
                raw_code: raw_code.as_deref(),
                billed_on: *billed_on,
            },
            ChargeDecision::Declined { reason, raw_code } => declined(*reason, raw_code.as_deref()),
            ChargeDecision::NotEligible => Self {
                raw_scope: Some(ACCOUNT_SCOPE),
                ..declined(DeclineReason::RiskDeclined, Some(NOT_ELIGIBLE))
            },
        }
    }
}

/// The scope and the code of a charge whose account may not pay on the bill, whatever the reason.
const ACCOUNT_SCOPE: &str = "account";
const NOT_ELIGIBLE: &str = "not-eligible";
