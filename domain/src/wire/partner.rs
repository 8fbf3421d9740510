//! To the partner: opening its sign-up for one customer (from the edge), and later outcomes (from the origin).

use crate::decline_reason::DeclineReason;
use crate::ids::OperatorId;
use crate::locale::Locale;
use crate::pai::{Pai, PaiState};
use serde::{Deserialize, Serialize};

/// `POST {partner}/signup-sessions`.
#[derive(Serialize, Deserialize)]
pub struct SignupSessionRequest {
    /// The sign-up token.
    pub token: String,
    /// The customer's operator.
    pub operator: OperatorId,
    /// How the customer came: `web`.
    pub channel: String,
    /// The language they were reading.
    pub locale: Locale,
    /// Where to send them afterwards.
    #[serde(rename = "returnURL")]
    pub return_url: String,
}

/// Where to send the customer now.
#[derive(Debug, Serialize, Deserialize)]
pub struct SignupSessionResponse {
    /// The partner's page for this customer.
    pub url: String,
}

/// Path below the partner's URL that is told of a charge's later outcome. The body is what `GET /transaction/{id}`
/// answers from then on: [`super::ott::TransactionResponse`]. Any 2xx is the partner's receipt.
pub const TRANSACTION_STATE_PATH: &str = "/transaction-state";

/// Path below the partner's URL that is told of a refund's later outcome: [`super::ott::RefundResponse`].
pub const REFUND_STATE_PATH: &str = "/refund-state";

/// Path below the partner's URL that is told how a PAI stands.
pub const ACCOUNT_STATE_PATH: &str = "/account-state";

/// `POST {partner}/account-state`: a subscriber's PAI is held, released or closed. A sequence older than one that was
/// heard before is to be dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountStateRequest {
    /// Whose.
    pub pai: Pai,
    /// What it may be used for.
    pub state: PaiState,
    /// Why it is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<DeclineReason>,
    /// Grows with every change.
    pub sequence: u64,
}
