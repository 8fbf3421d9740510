//! What may be mended without a person: only what asks again and tells again. Money is never moved, a verdict never
//! changed, a line never written off.

use super::cause::Cause;
use super::compare::Found;
use super::own::Own;
use crate::store::{RedriveResult, RedriveTarget};
use onbill_domain::wire::ott::TransactionStatus;

/// What was done about a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mended {
    /// Its entry in the outbox was parked: it goes again, and billing is asked by id before anything is posted.
    Redriven,
    /// Its entry in the outbox was put off: it is due now.
    Hurried,
    /// Its entry in the outbox was missing: it is there again.
    PutBack,
    /// The partner will be told again how it ended.
    NoticeQueued,
    /// Nothing, because it is on its way already.
    UnderWay,
    /// Nothing, because it was settled since it was read.
    SettledMeanwhile,
    /// Nothing: a person has to decide.
    ByHand,
}

impl Mended {
    /// The kebab-case word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Redriven => "redriven",
            Self::Hurried => "hurried",
            Self::PutBack => "put-back",
            Self::NoticeQueued => "notice-queued",
            Self::UnderWay => "under-way",
            Self::SettledMeanwhile => "settled-meanwhile",
            Self::ByHand => "by-hand",
        }
    }

    /// Whether anything was changed.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Redriven | Self::Hurried | Self::PutBack | Self::NoticeQueued)
    }

    pub(super) fn by(target: &RedriveTarget, result: RedriveResult) -> Self {
        let is_notice = matches!(target, RedriveTarget::ChargeWebhook(_) | RedriveTarget::RefundWebhook(_));
        match result {
            RedriveResult::InProgress => Self::UnderWay,
            RedriveResult::NotNeeded => Self::SettledMeanwhile,
            _ if is_notice => Self::NoticeQueued,
            RedriveResult::Redriven => Self::Redriven,
            RedriveResult::MadeDue => Self::Hurried,
            RedriveResult::Requeued => Self::PutBack,
        }
    }
}

/// The job that would mend a finding, if one would: asking billing how something pending went, or telling a partner
/// that takes notices how something ended of which it knows no end, or nothing at all.
pub(super) fn find_target(own: &Own, found: &Found<'_>, tells_partner: bool) -> Option<RedriveTarget> {
    use TransactionStatus::Pending;
    let is_refund = own.refund.is_some();
    let id = own.our_id().to_owned();
    match found.cause {
        Cause::PendingTooLong | Cause::BilledThoughPending | Cause::StatusDiffersAtPartner
            if own.status == Pending =>
        {
            Some(if is_refund { RedriveTarget::Refund(id) } else { RedriveTarget::Charge(id) })
        }
        Cause::StatusDiffersAtPartner | Cause::MissingAtPartner
            if tells_partner && found.partner.is_none_or(|line| line.status == Pending) =>
        {
            Some(if is_refund { RedriveTarget::RefundWebhook(id) } else { RedriveTarget::ChargeWebhook(id) })
        }
        _ => None,
    }
}
