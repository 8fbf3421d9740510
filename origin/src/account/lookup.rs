//! Looks up the account of a number in the operator's source of accounts.

use crate::config::AccountSource;
use crate::fault::{Failure, Fault};
use crate::http::CspClient;
use crate::keys::Vault;
use crate::store::{Store, SubscriberAccount};
use onbill_domain::account::AccountFacts;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp_answer::AccountAnswer;
use std::sync::Arc;

/// The account of a number, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAccount {
    pub account: AccountFacts,
    /// Differs between two subscribers of one number.
    pub subscriber_ref: String,
}

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
    pub async fn find_account(&self, msisdn: &Msisdn) -> Result<Option<FoundAccount>, Failure> {
        match self.source {
            AccountSource::Table => {
                let found = self.store.find_account(self.vault.index_number(msisdn)).await?;
                Ok(found.map(|SubscriberAccount { subscriber_ref, account }| FoundAccount {
                    subscriber_ref,
                    account: account.into(),
                }))
            }
            AccountSource::Csp => {
                let found = self.csp.look_up_account(msisdn).await;
                let found = found.map_err(|_| Fault::CspApi("account/validate"))?;
                Ok(found.map(|AccountAnswer { subscriber_id, account }| FoundAccount {
                    subscriber_ref: subscriber_id,
                    account,
                }))
            }
        }
    }
}
