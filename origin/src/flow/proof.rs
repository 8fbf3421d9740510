//! A flow as the widget holds it once its number is proven: `secret.mark`, where the mark is of the
//! subscriber who had the number then. If the number changes hands before the customer continues,
//! the new subscriber has not proven it.

use super::eligibility::Eligibility;
use crate::ambient::Clock;
use crate::fault::Failure;
use crate::keys::Vault;
use crate::store::{Flow, Store};
use onbill_domain::digest::sha256;
use onbill_domain::encoding::encode_base64url;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::reject::{ErrorCode, Reject};
use std::sync::Arc;

/// Reads and marks flows.
pub struct FlowProofs {
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) eligibility: Arc<Eligibility>,
}

impl FlowProofs {
    /// Marks a flow for the present subscriber of its number.
    pub(super) fn mark_flow(&self, secret: &str, subscriber_ref: &str) -> String {
        let mac = self.vault.subscriber_mac(&sha256(secret.as_bytes()), subscriber_ref);
        format!("{secret}.{}", encode_base64url(&mac))
    }

    /// Whether the flow was marked for this subscriber. Both sides are keyed hashes, so the
    /// duration of the comparison reveals nothing.
    pub(crate) fn is_marked_for(&self, flow: &str, subscriber_ref: &str) -> bool {
        flow == self.mark_flow(secret_of(flow), subscriber_ref)
    }

    /// Finds a flow that is proven and open, and its number: 400 `token-expired` otherwise. A proof
    /// by PIN lapses when the SIM of the number has changed since: 400 `account-not-eligible`. The
    /// mark is not checked here.
    pub(crate) async fn find_proven(&self, flow: &str) -> Result<(Flow, Msisdn), Failure> {
        let hash = sha256(secret_of(flow).as_bytes());
        let found = self.store.find_proven_flow(self.clock.now(), hash).await?.ok_or_else(flow_expired)?;
        if found.pin.is_some() {
            self.eligibility.check_sim(found.number.index).await?;
        }
        let msisdn = self.vault.open_number(&found.number.sealed)?;
        Ok((found, msisdn))
    }
}

/// The secret of a flow, marked or not.
pub(crate) fn secret_of(flow: &str) -> &str {
    flow.split_once('.').map_or(flow, |(secret, _)| secret)
}

/// 400 `token-expired`, for a flow that does not prove its number, or no longer does.
pub(crate) fn flow_expired() -> Reject {
    Reject::new(ErrorCode::TokenExpired, "The visit has expired: start again.")
}
