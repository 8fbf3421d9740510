//! Looks up the account of a number in the operator's source of accounts.

use crate::config::AccountSource;
use crate::fault::{Failure, Fault};
use crate::http::CspClient;
use crate::instruments::{Alarm, Instruments, raise_alarm};
use crate::keys::Vault;
use crate::store::{Store, SubscriberAccount};
use onbill_domain::account::AccountFacts;
use onbill_domain::ids::{OfferId, PartnerId};
use onbill_domain::money::Money;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::wire::csp::{AccountPurpose, AccountValidateRequest};
use onbill_domain::wire::csp_answer::AccountAnswer;
use std::sync::Arc;

/// The account of a number, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAccount {
    pub account: AccountFacts,
    /// Differs between two subscribers of one number.
    pub subscriber_ref: String,
}

/// What an account is to pay, which the operator may decide by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Purchase<'a> {
    pub(crate) purpose: AccountPurpose,
    pub(crate) partner: &'a PartnerId,
    pub(crate) offer: Option<&'a OfferId>,
    pub(crate) amount: Money,
}

pub struct AccountLookup {
    source: AccountSource,
    store: Arc<Store>,
    vault: Arc<Vault>,
    csp: Arc<CspClient>,
    instruments: Arc<Instruments>,
}

impl AccountLookup {
    pub fn new(
        source: AccountSource,
        store: Arc<Store>,
        vault: Arc<Vault>,
        csp: Arc<CspClient>,
        instruments: Arc<Instruments>,
    ) -> Self {
        Self { source, store, vault, csp, instruments }
    }

    /// The account of a number, if it has one, when nothing is bought. The cost is one look-up,
    /// whatever the number.
    pub async fn find_account(&self, msisdn: &Msisdn) -> Result<Option<FoundAccount>, Failure> {
        self.look_up(msisdn, None).await
    }

    /// The account of a number that is to pay for something.
    pub(crate) async fn find_paying_account(
        &self,
        msisdn: &Msisdn,
        purchase: Purchase<'_>,
    ) -> Result<Option<FoundAccount>, Failure> {
        self.look_up(msisdn, Some(purchase)).await
    }

    async fn look_up(
        &self,
        msisdn: &Msisdn,
        purchase: Option<Purchase<'_>>,
    ) -> Result<Option<FoundAccount>, Failure> {
        match self.source {
            AccountSource::Table => {
                let found = self.store.find_account(self.vault.index_number(msisdn)).await?;
                Ok(found.map(|SubscriberAccount { subscriber_ref, account }| FoundAccount {
                    subscriber_ref,
                    account: account.into(),
                }))
            }
            AccountSource::Csp => {
                let question = AccountValidateRequest {
                    msisdn: msisdn.clone(),
                    partner: purchase.map(|purchase| purchase.partner.clone()),
                    offer: purchase.and_then(|purchase| purchase.offer.cloned()),
                    amount: purchase.map(|purchase| purchase.amount),
                    purpose: purchase.map(|purchase| purchase.purpose),
                };
                let found = self.csp.look_up_account(&question).await;
                let found = found.map_err(|_| Fault::CspApi("account/validate"))?;
                if let Some(unknown) = found.as_ref().and_then(|found| found.account.unknown_word()) {
                    let (alarms, alarm) = (&self.instruments.alarms, Alarm::AccountWordUnknown);
                    let message = "the CSP API describes an account with a value that is not in the contract";
                    let member = unknown.member;
                    raise_alarm!(alarms, alarm, member, member, word = %unknown, "{message}");
                }
                Ok(found.map(|AccountAnswer { subscriber_id, account }| FoundAccount {
                    subscriber_ref: subscriber_id,
                    account,
                }))
            }
        }
    }
}
