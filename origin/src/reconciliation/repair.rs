//! Repairs that need no person: only queries to billing and webhooks to the partner are repeated.
//! Money is never moved, a decision never changed, a line never written off.

use super::cause::Cause;
use super::compare::Discrepancy;
use super::own::LedgerLine;
use crate::store::{RedriveResult, RedriveTarget};
use onbill_domain::wire::ott::TransactionStatus;

onbill_domain::word_enum! {
    /// What a repair did about a finding.
    #[derive(PartialOrd, Ord)]
    pub enum RepairOutcome {
        /// Its job was a dead letter and is redriven: billing is asked by id before anything is
        /// posted.
        Redriven = "redriven",
        /// Its job was waiting for a later attempt and is due now.
        Hurried = "hurried",
        /// Its job was missing and is queued again.
        PutBack = "put-back",
        /// The partner will get the webhook with its outcome again.
        WebhookQueued = "notice-queued",
        /// Nothing, because its job is being worked on.
        UnderWay = "under-way",
        /// Nothing, because it was settled after it was read.
        SettledMeanwhile = "settled-meanwhile",
        /// Nothing: a person has to decide.
        ByHand = "by-hand",
    }
}

impl RepairOutcome {
    /// Whether anything was changed.
    pub fn is_change(self) -> bool {
        match self {
            Self::Redriven | Self::Hurried | Self::PutBack | Self::WebhookQueued => true,
            Self::UnderWay | Self::SettledMeanwhile | Self::ByHand => false,
        }
    }

    pub(super) fn from_result(target: &RedriveTarget, result: RedriveResult) -> Self {
        let is_webhook = match target {
            RedriveTarget::ChargeWebhook(_) | RedriveTarget::RefundWebhook(_) => true,
            RedriveTarget::Charge(_) | RedriveTarget::Refund(_) => false,
        };
        match result {
            RedriveResult::InProgress => Self::UnderWay,
            RedriveResult::NotNeeded => Self::SettledMeanwhile,
            RedriveResult::Redriven | RedriveResult::MadeDue | RedriveResult::Requeued if is_webhook => {
                Self::WebhookQueued
            }
            RedriveResult::Redriven => Self::Redriven,
            RedriveResult::MadeDue => Self::Hurried,
            RedriveResult::Requeued => Self::PutBack,
        }
    }
}

/// The job that would repair a finding, if there is one. It queries billing about something
/// pending, or sends a webhook to a partner that takes webhooks and has the outcome as pending or
/// not at all.
pub(super) fn find_target(
    own: &LedgerLine,
    found: &Discrepancy<'_>,
    informs_partner: bool,
) -> Option<RedriveTarget> {
    use TransactionStatus::Pending;
    let is_refund = own.refund.is_some();
    let id = own.id().to_owned();
    match found.cause {
        Cause::PendingTooLong | Cause::BilledThoughPending | Cause::StatusDiffersAtPartner
            if own.status == Pending =>
        {
            Some(if is_refund { RedriveTarget::Refund(id) } else { RedriveTarget::Charge(id) })
        }
        Cause::StatusDiffersAtPartner | Cause::MissingAtPartner
            if informs_partner && found.partner.is_none_or(|line| line.status == Pending) =>
        {
            Some(if is_refund { RedriveTarget::RefundWebhook(id) } else { RedriveTarget::ChargeWebhook(id) })
        }
        Cause::MissingAtPartner
        | Cause::OnlyAtPartner
        | Cause::AmountDiffersAtPartner
        | Cause::CurrencyDiffersAtPartner
        | Cause::StatusDiffersAtPartner
        | Cause::PaiDiffersAtPartner
        | Cause::ChargeDiffersAtPartner
        | Cause::TwiceAtPartner
        | Cause::RefundsExceedChargeAtPartner
        | Cause::MissingOnBill
        | Cause::OnlyOnBill
        | Cause::AmountDiffersOnBill
        | Cause::CurrencyDiffersOnBill
        | Cause::ChargeDiffersOnBill
        | Cause::ChargeCodeDiffersOnBill
        | Cause::TwiceOnBill
        | Cause::RefundsExceedChargeOnBill
        | Cause::BilledThoughDeclined
        | Cause::BilledThoughPending
        | Cause::PendingTooLong
        | Cause::OtherPeriod
        | Cause::OtherPartner
        | Cause::OtherSystem => None,
    }
}
