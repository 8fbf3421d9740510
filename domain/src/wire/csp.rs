//! Origin → operator's systems: the CSP API. Here, and only here, the number travels.

use crate::account::{Account, AccountStatus, AccountType};
use crate::day::ServicePeriod;
use crate::money::Money;
use crate::msisdn::Msisdn;
use serde::{Deserialize, Serialize};

/// `POST /account/validate`.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountValidateRequest {
    /// Whose account.
    pub msisdn: Msisdn,
}

/// What the operator knows of it.
#[derive(Debug, Serialize, Deserialize)]
pub struct AccountValidateResponse {
    /// Where it stands.
    pub status: AccountStatus,
    /// How it pays.
    #[serde(rename = "type")]
    pub account_type: AccountType,
    /// What is on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub balance: Option<Money>,
    /// The operator's own name for the subscriber: it changes when the number goes to someone else.
    #[serde(rename = "subscriberID")]
    pub subscriber_id: String,
}

impl From<AccountValidateResponse> for Account {
    fn from(answer: AccountValidateResponse) -> Self {
        Self { status: answer.status, account_type: answer.account_type, balance: answer.balance }
    }
}

/// `POST /transaction`: put a line on the bill. The same transactionID again gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillChargeRequest {
    /// Our name for the charge: billing's idempotency key.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// Whose bill.
    pub msisdn: Msisdn,
    /// How much.
    pub amount: Money,
    /// The line.
    pub description: String,
    /// The days it pays for.
    pub service_period: ServicePeriod,
}

/// Billing's word on a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillChargeResponse {
    /// The verdict.
    pub status: BillingDecision,
    /// Billing's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_code: Option<String>,
}

/// Billing's verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum BillingDecision {
    /// The line is on the bill.
    Approved,
    /// It is not and will not be.
    Declined,
}

/// `POST /refund`: give some of a charge back on the bill that it is on. The same refundID again gets the same answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillRefundRequest {
    /// Our name for the refund: billing's idempotency key.
    #[serde(rename = "refundID")]
    pub refund_id: String,
    /// The charge, by the name that it was billed under.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// How much of it.
    pub amount: Money,
}

/// Billing's word on a refund. A body without a status says yes, as the HTTP status does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BillRefundResponse {
    /// The verdict.
    #[serde(default = "approved")]
    pub status: BillingDecision,
    /// Billing's own code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_code: Option<String>,
}

fn approved() -> BillingDecision {
    BillingDecision::Approved
}

/// `POST /notification`: text to a subscriber. It may have a PIN in it, and so has no `Debug`.
#[derive(Serialize, Deserialize)]
pub struct SmsRequest {
    /// To whom.
    pub msisdn: Msisdn,
    /// The text.
    pub text: String,
}
