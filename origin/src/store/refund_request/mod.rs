//! Refunds that wait for a second person. A decision is one transaction with its entry in the audit; the
//! refund itself follows, under the request's own id, so that it is made once however often it is tried.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::audit::AuditStamp;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{ActorRole, AuditAct, AuditOutcome};
use onbill_domain::wire::care::BorneBy;

impl Store {
    /// Puts a refund before a second person. A request that is there under this id stays as it is.
    pub async fn ask_for_refund(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        new: NewRefundRequest,
    ) -> Result<AskRefundResult, StoreError> {
        use_case!(self, write, ask_for_refund(now, &stamp, &new))
    }

    /// Up to `limit` requests that wait, or that were approved and whose refund was not made yet, the
    /// oldest first: those after the last one of an earlier page, or from the beginning.
    pub async fn list_open_refund_requests(
        &self,
        asked: AskedBy,
        after: Option<RefundRequestCursor>,
        limit: u32,
    ) -> Result<Vec<RefundRequestRow>, StoreError> {
        let after = after.unwrap_or(RefundRequestCursor::BEGINNING);
        use_case!(self, read, list_open_refund_requests(&asked, &after, limit))
    }

    /// Approves or rejects a request. No person approves their own, but they may take it back, which rejects
    /// it. While the refund of one that was approved is not made, it may be approved again, or rejected after
    /// all: the money may have been given back elsewhere. None is rejected whose refund is in the ledger.
    pub async fn decide_refund_request(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        request_id: String,
        decision: RefundRequestDecision,
    ) -> Result<DecideRefundResult, StoreError> {
        use_case!(self, write, decide_refund_request(now, &stamp, &request_id, decision))
    }

    /// Records that the refund of an approved request was made, or cannot be.
    pub async fn end_refund_request(&self, request_id: String, was_posted: bool) -> Result<(), StoreError> {
        use_case!(self, write, end_refund_request(&request_id, was_posted))
    }
}

/// A refund as it is asked for.
#[derive(Clone, Debug)]
pub struct NewRefundRequest {
    /// The id that the refund will have.
    pub request_id: String,
    pub transaction_id: String,
    /// All that is left of the charge without one.
    pub amount: Option<Money>,
    pub reason: String,
    pub borne_by: BorneBy,
    pub reference: ExtId,
}

onbill_domain::word_enum! {
    /// How a request stands.
    pub enum RefundRequestState {
        /// No second person has looked at it.
        Waiting = "waiting",
        /// A second person agrees, and the refund is to be made.
        Approved = "approved",
        /// A second person does not agree, or somebody has taken it back.
        Rejected = "rejected",
        /// The refund was made.
        Posted = "posted",
        /// The refund could not be made: less is left of the charge, for example.
        Failed = "failed",
    }
}

/// A request as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequestRow {
    pub request_id: String,
    pub transaction_id: String,
    /// Whose charge it is.
    pub partner: PartnerId,
    pub amount: Option<Money>,
    pub reason: String,
    pub borne_by: BorneBy,
    pub reference: ExtId,
    pub asked_by: ExtId,
    pub asked_role: ActorRole,
    pub asked_at: Timestamp,
    pub state: RefundRequestState,
    /// `None` while it waits.
    pub decided_by: Option<ExtId>,
}

/// Whose requests are listed.
#[derive(Clone, Debug)]
pub enum AskedBy {
    /// Those of this person.
    Person(ExtId),
    /// Those of all others.
    Others(ExtId),
}

impl AskedBy {
    /// The person, and whether the requests are theirs.
    fn parts(&self) -> (&str, bool) {
        match self {
            Self::Person(person) => (person.as_str(), true),
            Self::Others(person) => (person.as_str(), false),
        }
    }
}

/// The last request of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequestCursor {
    /// In seconds since 1970.
    pub asked_at: i64,
    pub request_id: String,
}

impl RefundRequestCursor {
    const BEGINNING: Self = Self { asked_at: i64::MIN, request_id: String::new() };
}

/// What came of asking for a refund.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskRefundResult {
    /// It waits for a second person from now on.
    Asked,
    /// The same refund was asked for before, and is still to be decided or made.
    SameOpen,
    /// The id is that of another refund, or of one that has ended, which stands like this.
    Other(RefundRequestState),
}

/// What a second person says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefundRequestDecision {
    Approve,
    Reject,
}

/// What came of a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecideRefundResult {
    /// It is approved: the refund is to be made.
    Approved(Box<RefundRequestRow>),
    Rejected,
    /// The same person has rejected it before.
    RejectedBefore,
    /// The person has asked for it themselves, and may not approve it.
    OwnRequest,
    /// It was decided before, otherwise or by another person.
    AlreadyDecided,
    /// It is too late to reject it: its refund is recorded.
    AlreadyMade,
    NotFound,
}

impl RefundRequestRow {
    /// What asking for a refund under the id of this one comes to.
    fn ask_again(&self, new: &NewRefundRequest) -> AskRefundResult {
        let is_same = self.transaction_id == new.transaction_id
            && self.amount == new.amount
            && self.reason == new.reason
            && self.borne_by == new.borne_by;
        match self.state {
            RefundRequestState::Waiting | RefundRequestState::Approved if is_same => {
                AskRefundResult::SameOpen
            }
            state => AskRefundResult::Other(state),
        }
    }

    /// What a decision by this person comes to. `is_made` says that the ledger has the refund.
    fn decide(self, actor: &ExtId, decision: RefundRequestDecision, is_made: bool) -> DecideRefundResult {
        if self.asked_by == *actor && decision == RefundRequestDecision::Approve {
            return DecideRefundResult::OwnRequest;
        }
        match (self.state, decision) {
            (RefundRequestState::Waiting | RefundRequestState::Approved, RefundRequestDecision::Approve) => {
                DecideRefundResult::Approved(Box::new(self))
            }
            // Who has no ceiling can have made the refund of one that waits, under the same reference.
            (RefundRequestState::Waiting | RefundRequestState::Approved, RefundRequestDecision::Reject) => {
                if is_made {
                    DecideRefundResult::AlreadyMade
                } else {
                    DecideRefundResult::Rejected
                }
            }
            (RefundRequestState::Rejected, RefundRequestDecision::Reject)
                if self.decided_by.as_ref() == Some(actor) =>
            {
                DecideRefundResult::RejectedBefore
            }
            _ => DecideRefundResult::AlreadyDecided,
        }
    }
}

impl AskRefundResult {
    fn audit_outcome(self) -> AuditOutcome {
        match self {
            Self::Asked => AuditOutcome::Done,
            Self::SameOpen => AuditOutcome::Unchanged,
            Self::Other(_) => AuditOutcome::Refused,
        }
    }
}

impl DecideRefundResult {
    /// The new state, if there is one.
    fn new_state(&self) -> Option<RefundRequestState> {
        match self {
            Self::Approved(_) => Some(RefundRequestState::Approved),
            Self::Rejected => Some(RefundRequestState::Rejected),
            Self::RejectedBefore
            | Self::OwnRequest
            | Self::AlreadyDecided
            | Self::AlreadyMade
            | Self::NotFound => None,
        }
    }

    fn audit_outcome(&self) -> AuditOutcome {
        match self {
            Self::Approved(_) | Self::Rejected => AuditOutcome::Done,
            Self::RejectedBefore | Self::AlreadyDecided | Self::AlreadyMade => AuditOutcome::Unchanged,
            Self::OwnRequest => AuditOutcome::Refused,
            Self::NotFound => AuditOutcome::NotFound,
        }
    }
}

impl RefundRequestDecision {
    fn audit_act(self) -> AuditAct {
        match self {
            Self::Approve => AuditAct::RefundApproved,
            Self::Reject => AuditAct::RefundRejected,
        }
    }
}

/// The columns of a request, in both databases, and the partner of its charge.
const REQUEST_COLUMNS: &str =
    "request_id, transaction_id, amount_minor, currency, reason, borne_by, reference, asked_by,
    asked_role, asked_at, state, decided_by,
    (SELECT t.partner FROM transactions t WHERE t.transaction_id = refund_requests.transaction_id) AS partner";
