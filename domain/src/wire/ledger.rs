//! Operator's systems → origin: pages of the ledger, under `/operator/v1`. No number is in them: the operator's billing knows a
//! charge by our transactionID.

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
    /// The first day of the posting, in UTC.
    pub from: Day,
    /// The last one, included.
    pub to: Day,
    /// Whose charges; needed when the operator has several partners.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partner: Option<PartnerId>,
    /// Only those that stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<TransactionStatus>,
    /// `next` of the page before; the first page when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// A page: charges in the order in which they were posted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TransactionsResponse {
    /// Up to [`crate::limits::TRANSACTIONS_PER_PAGE`] of them.
    pub transactions: Vec<LedgerEntry>,
    /// The cursor of the next page; absent on the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// A charge in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Our name for it, by which billing knows it.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The partner's.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// Whose charge.
    pub partner: PartnerId,
    /// How much.
    pub amount: Money,
    /// How much of it has been given back or is on its way back.
    pub refunded: Money,
    /// Where it stands.
    pub status: TransactionStatus,
    /// Why it was declined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decline_reason: Option<DeclineReason>,
    /// When it was posted.
    pub created_at: Timestamp,
    /// When its outcome was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
}
