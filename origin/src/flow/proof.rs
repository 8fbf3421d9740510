//! Flows whose number is proven, as the widget presents them.

use super::eligibility::Eligibility;
use super::mark::{flow_expired, secret_of};
use crate::ambient::Clock;
use crate::fault::Failure;
use crate::keys::Vault;
use crate::store::{Flow, Store};
use onbill_domain::digest::sha256;
use onbill_domain::msisdn::Msisdn;
use std::sync::Arc;

/// Finds flows that are proven.
pub struct FlowProofs {
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) eligibility: Arc<Eligibility>,
}

impl FlowProofs {
    /// Finds a flow that is proven and open, and its number: 400 `token-expired` otherwise. A proof
    /// by PIN lapses when the SIM of the number has changed since: 400 `account-not-eligible`. The
    /// mark is not checked here: see [`super::ExpectedSubscriber`].
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
