//! Calls to the partner: the edge opens its sign-up, and the origin's webhooks report later
//! outcomes.

use crate::decline_reason::DeclineReason;
use crate::ids::{ExtId, OperatorId};
use crate::locale::Locale;
use crate::pai::{Pai, PaiState};
use crate::wire::dispute::{DisputeReason, DisputeState};
use serde::{Deserialize, Serialize};

/// `POST {partner}/signup-sessions`: open the partner's sign-up for one customer.
#[derive(Serialize, Deserialize)]
pub struct SignupSessionRequest {
    /// The sign-up token.
    pub token: String,
    /// The customer's operator.
    pub operator: OperatorId,
    /// The channel of the sign-up, always `web`.
    pub channel: String,
    /// The customer's language.
    pub locale: Locale,
    /// Where to send the customer afterwards.
    #[serde(rename = "returnURL")]
    pub return_url: String,
}

/// Where to send the customer now.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignupSessionResponse {
    /// The partner's page for this customer.
    pub url: String,
}

/// Path of the webhook for a charge that was settled after its response. Its body is the response
/// to `GET /transaction/{id}` from then on,
/// [`TransactionResponse`](super::ott::TransactionResponse). Any 2xx status acknowledges it.
pub const TRANSACTION_STATE_PATH: &str = "/transaction-state";

/// Path of the webhook for a refund that was settled after its response, with a
/// [`RefundResponse`](super::ott::RefundResponse).
pub const REFUND_STATE_PATH: &str = "/refund-state";

/// Path of the webhook for a PAI whose state has changed, with an [`AccountStateRequest`].
pub const ACCOUNT_STATE_PATH: &str = "/account-state";

/// `POST {partner}/account-state`: a PAI was suspended, resumed or closed. The partner ignores a
/// sequence that is lower than one it has seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStateRequest {
    /// The PAI whose state has changed.
    pub pai: Pai,
    /// What the PAI may be used for.
    pub state: PaiState,
    /// Why the PAI is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeclineReason>,
    /// Grows with every change.
    pub sequence: u64,
}

/// Path of the webhook for a dispute about fraud, with a [`DisputeStateRequest`].
pub const DISPUTE_STATE_PATH: &str = "/dispute-state";

/// `POST {partner}/dispute-state`: a customer says that a charge is fraud, or the operator has decided
/// about it. No money moves by it: a refund has its own webhook. The partner ignores a sequence that is
/// lower than one it has seen of the same dispute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DisputeStateRequest {
    /// The dispute's id at onbill.
    #[serde(rename = "disputeID")]
    pub dispute_id: String,
    /// The charge's id at onbill.
    #[serde(rename = "transactionID")]
    pub transaction_id: String,
    /// The partner's id of the charge.
    #[serde(rename = "extTransactionID")]
    pub ext_transaction_id: ExtId,
    /// How it stands.
    pub state: DisputeState,
    /// Why the customer contests the charge: always `fraud`.
    pub reason: DisputeReason,
    /// Grows with every change.
    pub sequence: u64,
}
