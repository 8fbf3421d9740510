//! The operator's desks → origin, under `/operator/v1`: a subscriber as customer care reads them, and
//! what care does. The signer vouches for the person that it names.

use crate::account_event::AccountEvent;
use crate::day::{Day, ServicePeriod};
use crate::decline_reason::DeclineReason;
use crate::ids::{ExtId, PartnerId};
use crate::mandate::MandateProof;
use crate::money::Money;
use crate::msisdn::Msisdn;
use crate::pai::{Pai, PaiState};
use crate::timestamp::Timestamp;
use crate::wire::audit::ActorRole;
use crate::wire::csp::ChargeKind;
use crate::wire::dispute::CareDispute;
use crate::wire::operator::AccountEventOutcome;
use crate::wire::ott::TransactionStatus;
use crate::wire::subscription::SubscriptionStatus;
use serde::{Deserialize, Serialize};

/// `POST /subscribers/search`: look up the present subscriber of a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberSearchRequest {
    /// The number.
    pub msisdn: Msisdn,
    /// Who looks, by the operator's id of them. It goes into the audit.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
    /// The operator's reference for the audit, such as a ticket. It must not identify the customer.
    #[serde(rename = "ref", default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<ExtId>,
    /// `next` of the previous page of charges; the newest ones when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// What is known of the present subscriber of a number. Lists begin with the newest, and none has
/// anything of an earlier subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriberSearchResponse {
    /// Names the subscriber in the audit, and at the edge.
    pub handle: String,
    /// When they first signed up.
    pub since: Timestamp,
    /// Their partners, at most [`DESK_LINES_MAX`](crate::limits::DESK_LINES_MAX): open ones first.
    pub links: Vec<CareLink>,
    /// A page of their charges.
    pub charges: Vec<CareCharge>,
    /// The cursor of the next page of charges; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Their SMS, at most [`DESK_LINES_MAX`](crate::limits::DESK_LINES_MAX). PINs are not kept.
    pub sms: Vec<CareSms>,
    /// Events of their account, at most [`DESK_LINES_MAX`](crate::limits::DESK_LINES_MAX).
    pub events: Vec<CareEvent>,
    /// Which of links, SMS and events are more than that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<CareList>,
}

crate::wire_enum! {
    /// A list that may have more lines than a desk is shown.
    pub enum CareList {
        /// Partners of a subscriber.
        Links = "links",
        /// SMS to a subscriber.
        Sms = "sms",
        /// Events of an account.
        Events = "events",
        /// Refunds of a charge.
        Refunds = "refunds",
        /// Disputes about a charge.
        Disputes = "disputes",
    }
}

/// A partner that the subscriber is linked with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareLink {
    /// The PAI, by which the link is closed.
    #[serde(rename = "linkID")]
    pub link_id: Pai,
    /// The partner.
    pub partner: PartnerId,
    /// The partner's plan of the newest subscription.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ExtId>,
    /// How that subscription stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<SubscriptionStatus>,
    /// When the PAI was made.
    pub since: Timestamp,
    /// Whether charges are accepted.
    pub state: PaiState,
    /// Why it was closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_reason: Option<DeclineReason>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// The last day that is paid for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_until: Option<Day>,
    /// The newest agreement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mandate: Option<CareMandate>,
}

/// What the customer agreed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareMandate {
    /// The mandate's id at onbill.
    #[serde(rename = "mandateID")]
    pub mandate_id: String,
    /// The price of a month, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
    /// When they agreed.
    pub accepted_at: Timestamp,
    /// How the number was proved to be theirs.
    pub proof: MandateProof,
    /// The first day that it covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in_force_from: Option<Day>,
}

/// A charge of the subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareCharge {
    /// The charge's id at onbill, by which billing knows it.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// What it is for. The partner knows nothing of a coupon's, and neither refunds nor disputes are for it.
    pub kind: ChargeKind,
    /// The partner's id of it, by which they find it; ours for a coupon's.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// The partner that posted it.
    pub partner: PartnerId,
    /// When it was posted.
    pub at: Timestamp,
    /// What is on the bill.
    pub description: String,
    /// The days that it is for.
    pub service_period: ServicePeriod,
    /// The amount, tax included.
    pub amount: Money,
    /// Whether billing has approved it.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// The same in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
    /// The date of the bill that it is on, if billing has reported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_on: Option<Day>,
    /// The amount of all its approved refunds, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded: Option<Money>,
    /// The amount of all its refunds that wait for billing, if there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunding: Option<Money>,
    /// Its newest refunds, at most [`DESK_LINES_MAX`](crate::limits::DESK_LINES_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refunds: Vec<CareRefund>,
    /// Its newest disputes, at most [`DESK_LINES_MAX`](crate::limits::DESK_LINES_MAX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub disputes: Vec<CareDispute>,
    /// Which of refunds and disputes are more than that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub more: Vec<CareList>,
}

/// A refund of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareRefund {
    /// The refund's id at onbill, by which billing knows it.
    #[serde(rename = "refundID")]
    pub refund_id: String,
    /// The partner's id of the refund.
    #[serde(rename = "extRefundID")]
    pub ext_refund_id: ExtId,
    /// The amount.
    pub amount: Money,
    /// In the words of the person who has asked for it.
    pub reason: String,
    /// Whose money it is, if the operator has asked for it; absent if the partner has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub borne_by: Option<BorneBy>,
    /// Whether billing has approved it.
    pub status: TransactionStatus,
    /// When it was posted.
    pub at: Timestamp,
    /// When it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}

/// An SMS to the subscriber, without its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareSms {
    /// `coupon` or `partner-message`.
    pub kind: String,
    /// The operator's id of the coupon, or the partner's of the message.
    pub id: String,
    /// The partner that it is about.
    pub partner: PartnerId,
    /// When it was asked for.
    pub at: Timestamp,
    /// When the gateway took it, if that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent_at: Option<Timestamp>,
    /// When the gateway reported that it was delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
    /// When the gateway reported that it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered_at: Option<Timestamp>,
    /// Why not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undelivered_reason: Option<String>,
}

/// An account event that was reported of the subscriber.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CareEvent {
    /// The operator's id of the event.
    #[serde(rename = "eventID")]
    pub event_id: ExtId,
    /// What happened.
    #[serde(rename = "type")]
    pub event: AccountEvent,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was reported.
    pub recorded_at: Timestamp,
    /// What onbill did with it.
    pub outcome: AccountEventOutcome,
}

/// `POST /links/{linkID}/close`: end a PAI permanently.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkCloseRequest {
    /// Why: a reason that closes PAIs. Every later charge is declined with it.
    pub reason: DeclineReason,
    /// Who closes it, by the operator's id of them.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
    /// The operator's reference for the audit, such as a ticket. It must not identify the customer.
    #[serde(rename = "ref")]
    pub reference: ExtId,
}

/// How the link stands then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LinkCloseResponse {
    /// The PAI.
    #[serde(rename = "linkID")]
    pub link_id: Pai,
    /// Always CLOSED.
    pub state: PaiState,
    /// The first reason, which stays.
    pub closed_reason: DeclineReason,
}

crate::wire_enum! {
    /// Whose money an operator's refund is.
    pub enum BorneBy {
        /// It is settled like a refund that the partner has asked for.
        Partner = "partner",
        /// The partner's share stays as it was.
        Operator = "operator",
    }
}

/// `POST /refunds`: refund all or part of a charge.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeskRefundRequest {
    /// The charge's id at onbill.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The amount to refund; all that remains of the charge when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The operator's reference, such as a ticket. With the charge it names the refund: a repeated call
    /// refunds nothing more. It must not identify the customer.
    #[serde(rename = "ref")]
    pub reference: ExtId,
    /// Why, in words. It is stored, and not put on the bill.
    pub reason: String,
    /// Whose money it is.
    pub borne_by: BorneBy,
    /// Who asks for it, by the operator's id of them.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
}

/// `POST /sms/{id}/resend`: send a coupon's SMS again, with another code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmsResendRequest {
    /// Who does it, by the operator's id of them.
    pub actor: ExtId,
    /// At which desk.
    pub role: ActorRole,
    /// The operator's reference, such as a ticket. A call that is repeated under it sends nothing more.
    /// It must not identify the customer.
    #[serde(rename = "ref")]
    pub reference: ExtId,
}
