//! What is known of a number's account, from wherever the operator keeps its accounts.

use crate::config::AccountSource;
use crate::fault::{Failure, Fault};
use crate::http::CspClient;
use crate::keys::Vault;
use crate::store::{Store, SubscriberAccount};
use onbill_domain::msisdn::Msisdn;
use std::sync::Arc;

/// Looks accounts up.
pub struct AccountLookup {
    source: AccountSource,
    store: Arc<Store>,
    vault: Arc<Vault>,
    csp: Arc<CspClient>,
}

impl AccountLookup {
    /// In this source.
    pub fn new(source: AccountSource, store: Arc<Store>, vault: Arc<Vault>, csp: Arc<CspClient>) -> Self {
        Self { source, store, vault, csp }
    }

    /// The account of a number, if it has one. It costs one look-up, whatever the number.
    pub async fn find_account(&self, msisdn: &Msisdn) -> Result<Option<SubscriberAccount>, Failure> {
        match self.source {
            AccountSource::Table => Ok(self.store.find_account(self.vault.index_number(msisdn)).await?),
            AccountSource::Csp => {
                let found = self.csp.look_up_account(msisdn).await;
                let found = found.map_err(|_| Fault::CspApi("account/validate"))?;
                Ok(found.map(|account| SubscriberAccount {
                    subscriber_ref: account.subscriber_id.clone(),
                    account: account.into(),
                }))
            }
        }
    }
}
