//! Whose a key is, and its one use.

use crate::ids::{OperatorId, PartnerId};
use serde::Deserialize;
use std::fmt;

crate::wire_enum! {
    /// The one use of a key. It is also the `tag` of HTTP signatures, so that a signature made for
    /// one interface is refused by every other.
    pub enum KeyUse {
        /// Calls of the partner, verified at the edge and again at the origin.
        PartnerCall = "partner-call",
        /// Calls of the edge to the partner.
        EdgeToPartner = "edge-to-partner",
        /// Calls of the edge to an operator's origin.
        EdgeToOrigin = "edge-to-origin",
        /// Calls of the origin to the operator's CSP API.
        OriginToOperator = "origin-to-bss",
        /// Calls and signed responses of the origin to the partner. Each pair of operator and
        /// partner has its own key, so that no operator can speak for another.
        OriginToPartner = "origin-to-partner",
        /// Calls of the origin to the edge.
        OriginToEdge = "origin-to-edge",
        /// Calls of the operator's systems to the origin.
        OperatorToOrigin = "bss-to-origin",
        /// The sign-up token.
        SignupToken = "signup-token",
        /// The dashboard's session assertion.
        SessionAssertion = "session-assertion",
        /// The result on the operator's return URL.
        ReturnResult = "return-result",
        /// Encryption and keyed hashes of stored numbers.
        NumberSealing = "numbers",
    }
}

/// The party that a key is shared with, such as `operator:acme` or `partner:netflix`. A ring may name
/// parties of other forms, whose keys are never used.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Party(String);

impl Party {
    /// The party of an operator.
    pub fn operator(operator: &OperatorId) -> Self {
        Self(format!("{OPERATOR}{operator}"))
    }

    /// The party of a partner.
    pub fn partner(partner: &PartnerId) -> Self {
        Self(format!("{PARTNER}{partner}"))
    }

    /// The party as it is written in a key ring.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The operator, if the party is one.
    pub fn operator_id(&self) -> Option<OperatorId> {
        OperatorId::parse(self.0.strip_prefix(OPERATOR)?)
    }

    /// The partner, if the party is one.
    pub fn partner_id(&self) -> Option<PartnerId> {
        PartnerId::parse(self.0.strip_prefix(PARTNER)?)
    }
}

impl AsRef<str> for Party {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

const OPERATOR: &str = "operator:";
const PARTNER: &str = "partner:";
