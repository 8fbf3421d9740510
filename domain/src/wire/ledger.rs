//! The operator's systems → origin, under `/operator/v1`: pages of the ledger. They have no number;
//! billing knows a charge by its transactionID.

use crate::day::Day;
use crate::decline_reason::DeclineReason;
use crate::ids::{ExtId, PartnerId};
use crate::money::Money;
use crate::timestamp::Timestamp;
use crate::wire::ott::TransactionStatus;
use serde::{Deserialize, Serialize};

/// The query of `GET /transactions`.
#[derive(Debug, Serialize, Deserialize)]
pub struct TransactionsQuery {
    /// The first day of posting, in UTC.
    pub from: Day,
    /// The last day of posting, in UTC, included.
    pub to: Day,
    /// The partner whose charges to list; required when the operator has several partners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// Lists only the charges with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TransactionStatus>,
    /// `next` of the previous page; the first page when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page of charges, in the order of posting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionsResponse {
    /// At most [`TRANSACTIONS_PER_PAGE`](crate::limits::TRANSACTIONS_PER_PAGE) charges.
    pub transactions: Vec<LedgerEntry>,
    /// The cursor of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A charge in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// The charge's id at onbill, by which billing knows it.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The partner's id of the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// The partner that posted it.
    pub partner: PartnerId,
    /// The amount, tax included.
    pub amount: Money,
    /// The sum of its refunds, pending ones included.
    pub refunded: Money,
    /// Whether billing has approved it.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When it was settled, that is, approved or declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}
