//! Edge → partner: opening the partner's sign-up for one customer.

use crate::ids::OperatorId;
use crate::locale::Locale;
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
pub struct SignupSessionAnswer {
    /// The partner's page for this customer.
    pub url: String,
}
