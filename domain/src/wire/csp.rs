//! The CSP API: origin → the operator's systems. It is the only HTTP interface on which the origin
//! sends a number. The origin reads the responses by `csp_answer`, which is more lenient than these
//! types.

use crate::account::{AccountStatus, AccountType};
use crate::charge_code::ChargeCode;
use crate::day::{Day, ServicePeriod};
use crate::ids::{ExtId, OfferId, PartnerId};
use crate::money::Money;
use crate::msisdn::Msisdn;
use crate::refusal_detail::{Ineligibility, Suspension};
use crate::tax::TaxRate;
use crate::wire::coupon::COUPON_CHARGE_PREFIX;
use serde::{Deserialize, Serialize};

/// `POST /account/validate`: look up an account. Only the number is there when onbill asks whose it
/// is, before it sends an SMS or shows the customer's own page: nothing is bought then.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountValidateRequest {
    /// The number of the account.
    pub msisdn: Msisdn,
    /// The partner that is to be paid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// The offer, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The monthly price, or the amount of the charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What the answer decides about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purpose: Option<AccountPurpose>,
}

crate::wire_enum! {
    /// What is decided by the status of an account.
    pub enum AccountPurpose {
        /// Whether the customer may buy.
        SignUp = "sign-up",
        /// Whether a charge is submitted to billing.
        Charge = "charge",
    }
}

/// The account of a number.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountValidateResponse {
    /// The account's status.
    pub status: AccountStatus,
    /// How the account pays.
    #[serde(rename = "type")]
    pub account_type: AccountType,
    /// The balance of a prepaid account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Money>,
    /// The operator's own id of the subscriber. It changes when the number gets another subscriber.
    #[serde(rename = "subscriberID")]
    pub subscriber_id: String,
    /// Whether the account may pay on the bill; it may when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eligible: Option<bool>,
    /// Why it may not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Ineligibility>,
    /// Why it is suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
    /// How much may still be charged to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spendable: Option<Money>,
}

/// `POST /transaction`: put a charge on the bill. Repeating a transactionID gets the same response.
///
/// The first five members decide what is billed. The others say how billing books the line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillChargeRequest {
    /// The charge's id at onbill, which is billing's idempotency key.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The number whose bill is charged.
    pub msisdn: Msisdn,
    /// The amount, tax included.
    pub amount: Money,
    /// The text of the bill line.
    pub description: String,
    /// The days that it pays for.
    pub service_period: ServicePeriod,
    /// The partner that charges.
    pub partner: PartnerId,
    /// The partner's id of the charge; onbill's own for a coupon's.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// The operator's own id of the subscriber.
    #[serde(rename = "subscriberID")]
    pub subscriber_id: String,
    /// The offer, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<OfferId>,
    /// The partner's plan, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<ExtId>,
    /// The operator's charge code of the offer or of the partner, if it has set one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_code: Option<ChargeCode>,
    /// The tax in the amount, if the partner states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<BillTax>,
    /// What the charge pays for.
    pub kind: ChargeKind,
}

crate::wire_enum! {
    /// What a charge pays for.
    pub enum ChargeKind {
        /// A period of a subscription.
        Subscription = "subscription",
        /// The months of a coupon, once.
        Coupon = "coupon",
    }
}

impl ChargeKind {
    /// The kind follows from the partner's id: those of coupons begin as no partner's do.
    pub fn of(ext_transaction_id: &ExtId) -> Self {
        if ext_transaction_id.as_str().starts_with(COUPON_CHARGE_PREFIX) {
            Self::Coupon
        } else {
            Self::Subscription
        }
    }
}

/// The tax in an amount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillTax {
    /// The tax.
    pub amount: Money,
    /// Its rate in percent, if the partner states it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<TaxRate>,
    /// Whether the amount contains it: always.
    pub included: bool,
}

impl BillTax {
    /// The tax that is in `amount`.
    pub fn within(amount: Money, tax_minor: i64, rate: Option<TaxRate>) -> Self {
        Self { amount: Money { amount_minor: tax_minor, ..amount }, rate, included: true }
    }
}

/// Billing's response to a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillChargeResponse {
    /// Billing's decision.
    pub status: BillingDecision,
    /// Billing's own result code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_code: Option<String>,
    /// The date of the bill that the line is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub billed_on: Option<Day>,
}

crate::wire_enum! {
    /// Billing's final decision on a charge or a refund.
    pub enum BillingDecision {
        /// The line is on the bill.
        Approved = "APPROVED",
        /// The line is not on the bill, and will not be.
        Declined = "DECLINED",
    }
}

/// `POST /refund`: give back all or part of a charge, on the bill that has the charge. Repeating a
/// refundID gets the same response.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillRefundRequest {
    /// The refund's id at onbill, which is billing's idempotency key.
    #[serde(rename = "refundID")]
    pub refund_id: String,
    /// The id under which the charge was billed.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The amount to give back.
    pub amount: Money,
    /// The partner that gives it back.
    pub partner: PartnerId,
    /// The charge code of the charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_code: Option<ChargeCode>,
    /// The tax in the amount, if the partner stated any for the charge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<BillTax>,
}

/// Billing's response to a refund. A body without a status means approval, as the HTTP status does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillRefundResponse {
    /// Billing's decision.
    #[serde(default = "default_decision")]
    pub status: BillingDecision,
    /// Billing's own result code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_code: Option<String>,
}

fn default_decision() -> BillingDecision {
    BillingDecision::Approved
}

/// `POST /notification`: send an SMS. It can have a PIN in it, so it does not implement `Debug`.
#[derive(Serialize, Deserialize)]
pub struct SmsRequest {
    /// The number that gets the SMS.
    pub msisdn: Msisdn,
    /// The body of the SMS.
    pub text: String,
}
