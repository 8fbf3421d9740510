//! What people do at the operator's desks: each act, and each look at a number, is one transaction
//! with its entry in the audit. What they read belongs to one subscriber, never to an earlier or later
//! one of the number.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::instruments::Alarm;
use crate::store::audit::{AuditFact, AuditStamp};
use crate::store::coupon::{ChangeCouponResult, CouponCodeSms};
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::NumberIndex;
use crate::store::pai::ClosePaiResult;
use crate::store::refund::{NewRefund, PostRefundResult};
use onbill_domain::account_event::AccountEvent;
use onbill_domain::day::Day;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::mandate::MandateProof;
use onbill_domain::money::Money;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::audit::{AuditAct, AuditOutcome};
use onbill_domain::wire::care::BorneBy;
use onbill_domain::wire::operator::AccountEventOutcome;
use onbill_domain::wire::ott::TransactionStatus;
use onbill_domain::wire::subscription::SubscriptionStatus;

impl Store {
    /// Records that a person has tried what their role may not do: `act` is its word.
    pub async fn record_refused_access(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        act: &'static str,
    ) -> Result<(), StoreError> {
        use_case!(self, write(nonce), record_refused_access(now, &stamp, act))
    }

    /// Looks up the present subscriber of a number, if that is `subscriber_ref`; `None` for a number
    /// without an account. The look is in the audit before anything is shown.
    pub async fn look_up_for_desk(
        &self,
        nonce: impl Into<Option<Nonce>> + Send,
        now: Timestamp,
        stamp: AuditStamp,
        number: NumberIndex,
        subscriber_ref: Option<String>,
    ) -> Result<Option<DeskSubscriber>, StoreError> {
        let act = AuditAct::SubscriberLookedUp;
        use_case!(self, write(nonce), look_up_for_desk(now, &stamp, act, number, subscriber_ref.as_deref()))
    }

    /// As [`Self::look_up_for_desk`], to take out all that is kept on them. There is no nonce on the command
    /// line.
    pub async fn look_up_for_export(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        number: NumberIndex,
        subscriber_ref: Option<String>,
    ) -> Result<Option<DeskSubscriber>, StoreError> {
        let act = AuditAct::SubscriberExported;
        use_case!(self, write(nonce), look_up_for_desk(now, &stamp, act, number, subscriber_ref.as_deref()))
    }

    /// Up to `limit` PAIs of a subscriber: open ones first, then the newest.
    pub async fn list_desk_links(
        &self,
        subscriber_id: String,
        limit: u32,
    ) -> Result<Vec<DeskLink>, StoreError> {
        use_case!(self, read, list_desk_links(&subscriber_id, limit))
    }

    /// Up to `limit` refunds of each of these charges, the newest first.
    pub async fn list_desk_refunds(
        &self,
        transactions: Vec<String>,
        limit: u32,
    ) -> Result<Vec<DeskRefund>, StoreError> {
        use_case!(self, read, list_desk_refunds(&transactions, limit))
    }

    /// Up to `limit` SMS of a subscriber of which something is kept, the newest first.
    pub async fn list_desk_sms(&self, subscriber_id: String, limit: u32) -> Result<Vec<DeskSms>, StoreError> {
        use_case!(self, read, list_desk_sms(&subscriber_id, limit))
    }

    /// Up to `limit` account events that were applied to a subscriber, the newest first.
    pub async fn list_desk_events(
        &self,
        subscriber_id: String,
        limit: u32,
    ) -> Result<Vec<DeskEvent>, StoreError> {
        use_case!(self, read, list_desk_events(&subscriber_id, limit))
    }

    /// Closes a PAI permanently: of this partner, if one is given. There is no nonce on the command line.
    pub async fn close_link(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        partner: Option<PartnerId>,
        pai: Pai,
        reason: DeclineReason,
    ) -> Result<ClosePaiResult, StoreError> {
        use_case!(self, write(nonce), close_link(now, &stamp, partner.as_ref(), pai, reason))
    }

    /// Asks for a refund as the partner does, see [`Store::post_refund`], under the same lock: together
    /// refunds are never more than their charge. The partner gets its outcome. One that was put before a
    /// second person, and rejected, is not made.
    pub async fn post_desk_refund(
        &self,
        nonce: impl Into<Option<Nonce>> + Send,
        now: Timestamp,
        stamp: AuditStamp,
        transaction_id: String,
        new: NewRefund,
    ) -> Result<PostRefundResult, StoreError> {
        use_case!(self, write(nonce), post_desk_refund(now, &stamp, &transaction_id, &new))
    }

    /// Gives a coupon another code and queues an SMS with it. The old code is void, and an SMS with it that
    /// is still queued is dropped. A reference that was used for this coupon before changes nothing. There
    /// is no nonce on the command line.
    pub async fn resend_sms(
        &self,
        nonce: impl Into<Option<Nonce>> + Send,
        now: Timestamp,
        stamp: AuditStamp,
        id: ExtId,
        text: CouponCodeSms,
    ) -> Result<ChangeCouponResult, StoreError> {
        use_case!(self, write(nonce), resend_sms(now, &stamp, &id, &text))
    }

    /// Voids a coupon permanently. A void one stays as it is. There is no nonce on the command line.
    pub async fn void_coupon_by_hand(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        id: ExtId,
    ) -> Result<ChangeCouponResult, StoreError> {
        use_case!(self, write(nonce), void_coupon_by_hand(now, &stamp, &id))
    }

    /// Records that a person runs a command about many people: its words, before it does anything.
    pub async fn record_command(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        words: String,
    ) -> Result<(), StoreError> {
        use_case!(self, write, record_command(now, &stamp, &words))
    }

    /// As [`Store::redrive_dead_letter`].
    pub async fn redrive_by_hand(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        stamp: AuditStamp,
        job_id: i64,
    ) -> Result<bool, StoreError> {
        use_case!(self, write(nonce), redrive_by_hand(now, &stamp, job_id))
    }

    /// As [`Store::close_alarms`].
    pub async fn close_seen_alarms(
        &self,
        now: Timestamp,
        stamp: AuditStamp,
        alarm: Alarm,
        subject: Option<String>,
    ) -> Result<u64, StoreError> {
        use_case!(self, write, close_seen_alarms(now, &stamp, alarm, subject.as_deref()))
    }
}

/// The present subscriber of a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskSubscriber {
    pub subscriber_id: String,
    pub handle: String,
    pub created_at: Timestamp,
}

/// A PAI of a subscriber, and what is paid with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskLink {
    pub pai: Pai,
    pub partner: PartnerId,
    /// Plan and status of the newest subscription.
    pub subscription: Option<(ExtId, SubscriptionStatus)>,
    pub created_at: Timestamp,
    pub state: PaiState,
    pub closed_at: Option<Timestamp>,
    pub closed_reason: Option<DeclineReason>,
    /// The last day that an approved charge has paid for.
    pub paid_until: Option<Day>,
    /// The newest one of a subscription.
    pub mandate: Option<DeskMandate>,
}

/// What the customer agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskMandate {
    pub mandate_id: String,
    /// For a month.
    pub price: Option<Money>,
    pub accepted_at: Timestamp,
    pub proof: MandateProof,
    pub in_force_from: Option<Day>,
}

/// A refund of one of the subscriber's charges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskRefund {
    pub refund_id: String,
    pub ext_refund_id: ExtId,
    pub transaction_id: String,
    pub amount: Money,
    /// In the words of the person who has asked for it.
    pub reason: String,
    /// Whose money it is, if the operator has asked for it.
    pub borne_by: Option<BorneBy>,
    pub status: TransactionStatus,
    pub created_at: Timestamp,
    pub settled_at: Option<Timestamp>,
}

onbill_domain::word_enum! {
    /// What an SMS is about.
    pub enum DeskSmsKind {
        /// A coupon's code.
        Coupon = "coupon",
        /// A partner's message, or a change of plan or price.
        PartnerMessage = "partner-message",
    }
}

/// An SMS as it is kept: nothing of its text. PINs leave no trace after their day, and are not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskSms {
    pub kind: DeskSmsKind,
    /// The operator's id of the coupon, or the partner's of the message, else ours.
    pub id: String,
    pub partner: PartnerId,
    /// When it was promised.
    pub at: Timestamp,
    /// Of the newest SMS with a code. Gateways report nothing of partners' messages that is kept.
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub undelivered_at: Option<Timestamp>,
    pub undelivered_reason: Option<String>,
}

/// An account event that was applied to the subscriber.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeskEvent {
    pub event_id: ExtId,
    pub event: AccountEvent,
    pub occurred_at: Timestamp,
    pub recorded_at: Timestamp,
    pub outcome: AccountEventOutcome,
}

/// What the audit says of an attempt to close a PAI; nothing if the reason closes none.
fn audit_outcome(result: ClosePaiResult) -> Option<AuditOutcome> {
    match result {
        ClosePaiResult::Closed => Some(AuditOutcome::Done),
        ClosePaiResult::AlreadyClosed(_) => Some(AuditOutcome::Unchanged),
        ClosePaiResult::NotFound => Some(AuditOutcome::NotFound),
        ClosePaiResult::NotCutOver => Some(AuditOutcome::Refused),
        ClosePaiResult::NotAClosingReason => None,
    }
}

/// What the audit says of a refund that was asked for.
fn refund_outcome(result: &PostRefundResult) -> AuditOutcome {
    match result {
        PostRefundResult::Created(_) => AuditOutcome::Done,
        PostRefundResult::Replayed(_) | PostRefundResult::InProgress => AuditOutcome::Unchanged,
        PostRefundResult::TransactionNotFound => AuditOutcome::NotFound,
        PostRefundResult::CouponsCharge
        | PostRefundResult::Conflict
        | PostRefundResult::NotAgreed
        | PostRefundResult::ChargePending
        | PostRefundResult::NotCutOver
        | PostRefundResult::AboveCeiling { .. }
        | PostRefundResult::NotWithinRemainder { .. } => AuditOutcome::Refused,
    }
}

/// What the audit says of a coupon that was to be sent again, or voided.
fn coupon_outcome(result: &ChangeCouponResult) -> AuditOutcome {
    match result {
        ChangeCouponResult::Done(_) => AuditOutcome::Done,
        ChangeCouponResult::Repeated(_) => AuditOutcome::Unchanged,
        ChangeCouponResult::NotFound => AuditOutcome::NotFound,
        ChangeCouponResult::BuyerGone(_)
        | ChangeCouponResult::NotCutOver(_)
        | ChangeCouponResult::NotAllowed(_) => AuditOutcome::Refused,
    }
}

/// The PAI of the coupon's buyer, where it is known.
fn buyers_pai(result: &ChangeCouponResult) -> Option<Pai> {
    match result {
        ChangeCouponResult::Done(row)
        | ChangeCouponResult::Repeated(row)
        | ChangeCouponResult::NotAllowed(row) => Some(row.pai),
        ChangeCouponResult::BuyerGone(pai) | ChangeCouponResult::NotCutOver(pai) => Some(*pai),
        ChangeCouponResult::NotFound => None,
    }
}

/// The subject of an entry about a refund: the charge and the refund, by our ids.
fn name_refund(transaction_id: &str, new: &NewRefund) -> String {
    format!("{transaction_id} {}", new.refund_id)
}

/// What the audit says of a command.
fn command_run(words: &str) -> AuditFact<'_> {
    AuditFact {
        act: AuditAct::CommandRun,
        outcome: AuditOutcome::Done,
        subscriber: None,
        subject: Some(words),
        reason: None,
    }
}

/// What the audit says of what a role may not do.
fn refused_access(act: &str) -> AuditFact<'_> {
    AuditFact {
        act: AuditAct::AccessRefused,
        outcome: AuditOutcome::Refused,
        subscriber: None,
        subject: Some(act),
        reason: Some("role"),
    }
}

/// The subject of an entry about a job.
fn name_job(job_id: i64) -> String {
    format!("job {job_id}")
}

/// The subject of an entry about an alarm, or all of its kind.
fn name_alarm(alarm: Alarm, subject: Option<&str>) -> String {
    match subject {
        Some(subject) if !subject.is_empty() => format!("{} {subject}", alarm.as_str()),
        _ => alarm.as_str().to_owned(),
    }
}
