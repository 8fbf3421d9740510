//! Looks up the account of a number in the operator's source of accounts.

use crate::config::AccountSource;
use crate::fault::{Failure, Fault};
use crate::http::CspClient;
use crate::keys::Vault;
use crate::store::{Store, SubscriberAccount};
use onbill_domain::msisdn::Msisdn;
use std::sync::Arc;

pub struct AccountLookup {
    source: AccountSource,
    store: Arc<Store>,
    vault: Arc<Vault>,
    csp: Arc<CspClient>,
}

impl AccountLookup {
    pub fn new(source: AccountSource, store: Arc<Store>, vault: Arc<Vault>, csp: Arc<CspClient>) -> Self {
        Self { source, store, vault, csp }
    }

    /// The account of a number, if it has one. The cost is one look-up, whatever the number.
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
