//! What the kit for partners needs.

use crate::certify::limits::Limits;
use onbill_domain::ids::{OfferId, OperatorId};
use onbill_domain::key::Keyring;
use std::time::Duration;

/// What the kit needs.
pub struct PartnerSettings {
    /// The partner's address, below which its calls are.
    pub url: String,
    /// The partner's own ring: `edge-to-partner`, `origin-to-partner` of one operator, `partner-call`.
    pub keys: Keyring,
    /// The operator that the kit simulates. Without it, the last one that the ring has.
    pub operator: Option<OperatorId>,
    /// The address of the edge that the kit simulates, as the partner calls it.
    pub edge_url: String,
    /// The offer of the sign-ups.
    pub offer: OfferId,
    /// How long the partner may take.
    pub limits: Limits,
    /// How long the kit waits for a charge and for a refund of the partner's.
    pub wait: Duration,
}
