//! The operator's desks → origin, under `/operator/v1`: what happened on each day, for charts. It has no
//! person in it.

use crate::charge_code::ChargeCode;
use crate::day::Day;
use crate::decline_reason::DeclineReason;
use crate::ids::PartnerId;
use crate::locale::Locale;
use crate::mandate::MandateProof;
use crate::money::Money;
use crate::timestamp::Timestamp;
use serde::{Deserialize, Serialize};

/// The query of `GET /summary`.
#[derive(Debug, Serialize, Deserialize)]
pub struct SummaryQuery {
    /// The first day, in the operator's time zone.
    pub from: Day,
    /// The last day, included.
    pub to: Day,
}

/// What was settled, and how far customers came, on each of these days.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SummaryResponse {
    /// The first day that was asked for.
    pub from: Day,
    /// The last one.
    pub to: Day,
    /// The days that were counted, in order. One that is missing is yet to be counted, or to come.
    pub days: Vec<CountedDay>,
    /// Charges and refunds, by day.
    pub charges: Vec<ChargeCount>,
    /// Customers on their way to a subscription, by day.
    pub visits: Vec<VisitCount>,
}

/// A day that was counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CountedDay {
    /// In the operator's time zone.
    pub day: Day,
    /// Its charges and refunds are those of this time.
    pub counted_at: Timestamp,
}

crate::wire_enum! {
    /// What became of money on a day.
    pub enum CountedOutcome {
        /// Charges that billing has approved.
        Approved = "approved",
        /// Charges that were declined.
        Declined = "declined",
        /// Refunds that billing has approved.
        Refunded = "refunded",
    }
}

/// Charges or refunds that have the same outcome on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ChargeCount {
    /// The day on which they were settled.
    pub day: Day,
    /// The partner that posted them.
    pub partner: PartnerId,
    /// The charge code of these charges, if any was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_code: Option<ChargeCode>,
    /// What became of them.
    pub outcome: CountedOutcome,
    /// Why they were declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeclineReason>,
    /// How many there are.
    pub count: i64,
    /// Their sum, tax included.
    pub amount: Money,
}

crate::wire_enum! {
    /// Where customers are who are on their way to a subscription.
    pub enum VisitChannel {
        /// In the widget, on the operator's page.
        Widget = "widget",
        /// In a partner's app, on a device.
        App = "app",
    }
}

crate::wire_enum! {
    /// How far customers came.
    pub enum VisitStep {
        /// The widget has taken the number.
        Validated = "validated",
        /// A PIN was issued for the number.
        PinIssued = "pin-issued",
        /// The PIN was right.
        PinRight = "pin-right",
        /// The customer has agreed, and continues to the partner.
        SignupBegun = "sign-up-begun",
        /// The partner has spent the sign-up token.
        TokenSpent = "token-spent",
        /// The partner has reported a subscription.
        Subscribed = "subscribed",
        /// The call was refused. One customer may be refused several times.
        Refused = "refused",
    }
}

/// Customers who came to the same step on a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisitCount {
    /// The day on which the visit began; for `subscribed` and `refused`, that on which this happened.
    pub day: Day,
    /// Where they are.
    pub channel: VisitChannel,
    /// Their language, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<Locale>,
    /// How the number is, or was to be, proved, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<MandateProof>,
    /// How far they came.
    pub step: VisitStep,
    /// The error code by which they were refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// How many there are.
    pub count: i64,
}
