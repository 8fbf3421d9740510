//! Disputes: customers contest charges, and the operator decides. A dispute moves no money. Its opening
//! and its decision are each one transaction with the entry in the audit and the report to the partner.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::audit::{AuditFact, AuditStamp};
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::page::{Cursor, Page};
use crate::store::report::Period;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::dispute::{Dispute, DisputeReason, DisputeState};
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::partner::DisputeStateRequest;

impl Store {
    /// Opens a dispute about a charge, or decides an open one. A repeated call changes nothing. One
    /// about fraud is reported to the partner.
    pub async fn post_dispute(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        change: DisputeChange,
    ) -> Result<PostDisputeResult, StoreError> {
        use_case!(self, write(nonce), post_dispute(now, &stamp, &change))
    }

    /// A page of the disputes that were opened in a period, in order; in one state, if it is given.
    pub async fn list_disputes(
        &self,
        period: Period,
        state: Option<DisputeState>,
        after: Option<Cursor>,
        limit: u32,
    ) -> Result<Page<Dispute>, StoreError> {
        use_case!(self, read, list_disputes(period, state, after.as_ref(), limit))
    }

    /// Up to `limit` disputes of each of these charges, the newest first.
    pub async fn list_disputes_of_charges(
        &self,
        transactions: Vec<String>,
        limit: u32,
    ) -> Result<Vec<Dispute>, StoreError> {
        use_case!(self, read, list_disputes_of_charges(&transactions, limit))
    }

    /// The dispute as its webhook reports it, and to which partner.
    pub async fn find_dispute_webhook(
        &self,
        dispute_id: String,
    ) -> Result<Option<(PartnerId, DisputeStateRequest)>, StoreError> {
        use_case!(self, read, find_dispute_webhook(&dispute_id))
    }
}

/// What becomes of a dispute.
#[derive(Clone, Debug)]
pub struct DisputeChange {
    /// Our id, which follows from charge and reference.
    pub dispute_id: String,
    pub transaction_id: String,
    /// The operator's reference, such as a ticket.
    pub reference: ExtId,
    pub step: DisputeStep,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeStep {
    /// A new one.
    Open(DisputeReason),
    /// Accepted, rejected or withdrawn.
    Decide(DisputeState),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostDisputeResult {
    Opened(Dispute),
    Decided(Dispute),
    /// It was opened or decided before in the same way. The dispute is as it is now.
    Unchanged(Dispute),
    /// The reference has named a dispute of this charge for another reason.
    Conflict,
    /// The charge has another open dispute.
    AnotherIsOpen,
    /// It was decided otherwise before.
    DecidedOtherwise(DisputeState),
    /// No such dispute of the charge.
    DisputeNotFound,
    TransactionNotFound,
    /// The charge is a coupon's: its partner knows nothing of it.
    CouponsCharge,
    /// The charge is not settled, so it is not known whether it is on a bill.
    ChargePending,
    /// A declined charge is on no bill.
    ChargeDeclined,
    /// Its PAI is dark: the charge is another system's.
    NotCutOver,
}

/// The charge that a dispute is about.
struct DisputedCharge {
    status: TransactionStatus,
    /// The handle of its subscriber.
    handle: String,
    /// The charge of a coupon, of which the partner does not know.
    is_coupons: bool,
    /// Its PAI is.
    is_dark: bool,
}

/// What a change leads to, before anything is written.
enum NextWrite {
    Insert(DisputeReason),
    Update(Dispute, DisputeState),
    Nothing(PostDisputeResult),
}

/// Decides what to write, from what is known of the charge.
fn plan_change(
    charge: Option<&DisputedCharge>,
    known: Option<Dispute>,
    another_is_open: bool,
    request: &DisputeChange,
) -> NextWrite {
    let Some(charge) = charge else {
        return NextWrite::Nothing(PostDisputeResult::TransactionNotFound);
    };
    if charge.is_coupons {
        return NextWrite::Nothing(PostDisputeResult::CouponsCharge);
    }
    NextWrite::Nothing(match (known, request.step) {
        (Some(known), DisputeStep::Open(reason)) if known.reason == reason => {
            PostDisputeResult::Unchanged(known)
        }
        (Some(_), DisputeStep::Open(_)) => PostDisputeResult::Conflict,
        (Some(known), DisputeStep::Decide(state)) if known.state == state => {
            PostDisputeResult::Unchanged(known)
        }
        (Some(known), DisputeStep::Decide(state)) if known.state.may_become(state) => {
            return NextWrite::Update(known, state);
        }
        (Some(known), DisputeStep::Decide(_)) => PostDisputeResult::DecidedOtherwise(known.state),
        (None, DisputeStep::Decide(_)) => PostDisputeResult::DisputeNotFound,
        (None, DisputeStep::Open(_)) if charge.is_dark => PostDisputeResult::NotCutOver,
        (None, DisputeStep::Open(reason)) => match charge.status {
            TransactionStatus::Pending => PostDisputeResult::ChargePending,
            TransactionStatus::Declined => PostDisputeResult::ChargeDeclined,
            TransactionStatus::Approved if another_is_open => PostDisputeResult::AnotherIsOpen,
            TransactionStatus::Approved => return NextWrite::Insert(reason),
        },
    })
}

/// The entry of a change in the audit. `subject` names charge and dispute.
fn audit_fact<'a>(
    request: &DisputeChange,
    result: &PostDisputeResult,
    charge: Option<&'a DisputedCharge>,
    subject: &'a str,
) -> AuditFact<'a> {
    let (act, reason) = match request.step {
        DisputeStep::Open(reason) => (AuditAct::DisputeOpened, reason.as_str()),
        DisputeStep::Decide(state) => (AuditAct::DisputeDecided, state.as_str()),
    };
    let outcome = match result {
        PostDisputeResult::Opened(_) | PostDisputeResult::Decided(_) => AuditOutcome::Done,
        PostDisputeResult::Unchanged(_) => AuditOutcome::Unchanged,
        PostDisputeResult::DisputeNotFound | PostDisputeResult::TransactionNotFound => AuditOutcome::NotFound,
        PostDisputeResult::CouponsCharge
        | PostDisputeResult::Conflict
        | PostDisputeResult::AnotherIsOpen
        | PostDisputeResult::DecidedOtherwise(_)
        | PostDisputeResult::ChargePending
        | PostDisputeResult::ChargeDeclined
        | PostDisputeResult::NotCutOver => AuditOutcome::Refused,
    };
    AuditFact {
        act,
        outcome,
        subscriber: charge.map(|charge| charge.handle.as_str()),
        subject: charge.is_some().then_some(subject),
        reason: Some(reason),
    }
}

/// The subject of an entry about a dispute: the charge and the dispute, by our ids.
fn name_dispute(request: &DisputeChange) -> String {
    format!("{} {}", request.transaction_id, request.dispute_id)
}

fn cursor_of(dispute: &Dispute) -> Cursor {
    Cursor { at: dispute.opened_at, id: dispute.dispute_id.clone() }
}

fn to_report(dispute: Dispute) -> (PartnerId, DisputeStateRequest) {
    let sequence = dispute.state.sequence();
    let Dispute { dispute_id, transaction_id, ext_transaction_id, partner, state, reason, .. } = dispute;
    let report =
        DisputeStateRequest { dispute_id, transaction_id, ext_transaction_id, state, reason, sequence };
    (partner, report)
}
