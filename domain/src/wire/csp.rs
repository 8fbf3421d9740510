//! The CSP API: origin → the operator's systems. It is the only HTTP interface on which the origin
//! sends a number. The origin reads the responses by `csp_answer`, which is more lenient than these
//! types.

use crate::account::{AccountStatus, AccountType};
use crate::day::ServicePeriod;
use crate::money::Money;
use crate::msisdn::Msisdn;
use serde::{Deserialize, Serialize};

/// `POST /account/validate`: look up an account.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountValidateRequest {
    /// The number of the account.
    pub msisdn: Msisdn,
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
}

/// `POST /transaction`: put a charge on the bill. Repeating a transactionID gets the same response.
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
pub struct BillRefundRequest {
    /// The refund's id at onbill, which is billing's idempotency key.
    #[serde(rename = "refundID")]
    pub refund_id: String,
    /// The id under which the charge was billed.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The amount to give back.
    pub amount: Money,
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
