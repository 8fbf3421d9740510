//! Compares the subscribers of open PAIs with the operator's accounts, a few look-ups at a time: the CSP
//! API serves charges meanwhile.

use crate::account::{AccountLookup, FoundAccount};
use crate::correlation::Class;
use crate::fault::Failure;
use crate::keys::Vault;
use crate::store::{BilledSubscriber, HandedBackPai, Store, StoreError};
use futures_util::stream;
use futures_util::{StreamExt as _, TryFutureExt as _};
use onbill_domain::account::{AccountStatus, Stated};
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use std::time::Duration;

/// PAIs that are read at once. A comparison that is interrupted repeats as many at most.
const PAGE: u32 = 200;

/// A comparison to be made.
pub struct AccountComparison<'a> {
    pub store: &'a Store,
    pub vault: &'a Vault,
    pub accounts: &'a AccountLookup,
    pub partner: PartnerId,
    pub today: Day,
    /// Look-ups at once.
    pub at_once: usize,
    /// The pauses before an account is looked up once more: the operator's systems may be busy for a moment.
    pub pauses: [Duration; 2],
}

/// A difference between a PAI and the account of its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountDifference {
    pub pai: Pai,
    pub class: Class,
    pub ours: PaiState,
    /// The status of the account; empty if there is none.
    pub theirs: String,
}

/// Why a comparison was interrupted.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it ends the run, so there is one at most")]
pub enum AccountError {
    Store(StoreError),
    /// The account of this PAI could not be looked up, several times.
    LookUp {
        pai: Pai,
        failure: Failure,
    },
}

impl From<StoreError> for AccountError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What was compared so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountSummary {
    pub compared: u64,
    pub differences: u64,
    /// All PAIs up to this one were compared.
    pub through: Option<Pai>,
}

impl AccountComparison<'_> {
    /// Compares the PAIs after `summary.through`. `report` gets each difference. After a failure, the
    /// summary says where to continue.
    pub async fn run(
        &self,
        summary: &mut AccountSummary,
        mut report: impl FnMut(AccountDifference),
        mut progress: impl FnMut(&AccountSummary),
    ) -> Result<(), AccountError> {
        loop {
            let page = self
                .store
                .list_handed_back_pais(self.partner.clone(), self.today, summary.through, PAGE)
                .await?;
            let Some(last) = page.last().map(|own| own.pai) else { return Ok(()) };
            let open = page.iter().filter(|own| own.state != PaiState::Closed);
            let look_ups = open.filter_map(|own| {
                let compared = self.compare_one(own, own.subscriber.as_ref()?);
                Some(compared.map_err(|failure| AccountError::LookUp { pai: own.pai, failure }))
            });
            let mut compared = stream::iter(look_ups).buffer_unordered(self.at_once.max(1));
            while let Some(outcome) = compared.next().await {
                // An API that is down would be asked for the rest of the page, a few seconds for each PAI.
                let difference = outcome?;
                summary.compared += 1;
                if let Some(difference) = difference {
                    summary.differences += 1;
                    report(difference);
                }
            }
            summary.through = Some(last);
            progress(summary);
        }
    }

    async fn compare_one(
        &self,
        own: &HandedBackPai,
        subscriber: &BilledSubscriber,
    ) -> Result<Option<AccountDifference>, Failure> {
        let msisdn = self.vault.open_number(&subscriber.number.sealed)?;
        let differs = |class: Class, theirs: &str| {
            Some(AccountDifference { pai: own.pai, class, ours: own.state, theirs: theirs.to_owned() })
        };
        let Some(found) = self.look_up(&msisdn).await? else {
            return Ok(differs(Class::Missing, ""));
        };
        let status = match found.account.status {
            Stated::Known(status) => status,
            Stated::Unknown(word) => return Ok(differs(Class::State, &word.to_string())),
        };
        if found.subscriber_ref != subscriber.subscriber_ref {
            return Ok(differs(Class::Subscriber, status.as_str()));
        }
        let is_same = match status {
            AccountStatus::Active => own.state == PaiState::Active,
            AccountStatus::Suspended => own.state == PaiState::Suspended,
            AccountStatus::Ceased => false,
        };
        Ok(if is_same { None } else { differs(Class::State, status.as_str()) })
    }

    async fn look_up(&self, msisdn: &Msisdn) -> Result<Option<FoundAccount>, Failure> {
        for pause in self.pauses {
            match self.accounts.find_account(msisdn).await {
                Ok(found) => return Ok(found),
                Err(_) => tokio::time::sleep(pause).await,
            }
        }
        self.accounts.find_account(msisdn).await
    }
}
