//! Compares the subscribers of open PAIs with the operator's accounts, a few look-ups at a time: the CSP
//! API serves charges meanwhile.

use crate::account::AccountLookup;
use crate::correlation::Class;
use crate::fault::{Failure, Fault};
use crate::keys::Vault;
use crate::store::{BilledSubscriber, HandedBackPai, Store};
use futures_util::StreamExt as _;
use futures_util::stream;
use onbill_domain::account::{AccountStatus, Stated};
use onbill_domain::day::Day;
use onbill_domain::ids::PartnerId;
use onbill_domain::pai::{Pai, PaiState};

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
    /// summary says where to go on.
    pub async fn run(
        &self,
        summary: &mut AccountSummary,
        mut report: impl FnMut(AccountDifference),
        mut progress: impl FnMut(&AccountSummary),
    ) -> Result<(), Failure> {
        loop {
            let page = self
                .store
                .list_handed_back_pais(self.partner.clone(), self.today, summary.through, PAGE)
                .await?;
            let Some(last) = page.last().map(|own| own.pai) else { return Ok(()) };
            let open = page.iter().filter(|own| own.state != PaiState::Closed);
            let look_ups = open.filter_map(|own| Some(self.compare_one(own, own.subscriber.as_ref()?)));
            let mut compared = stream::iter(look_ups).buffer_unordered(self.at_once.max(1));
            let mut failure = None;
            while let Some(outcome) = compared.next().await {
                match outcome {
                    Ok(difference) => {
                        summary.compared += 1;
                        if let Some(difference) = difference {
                            summary.differences += 1;
                            report(difference);
                        }
                    }
                    Err(error) => failure = failure.or(Some(error)),
                }
            }
            if let Some(error) = failure {
                return Err(error);
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
        let Some(found) = self.accounts.find_account(&msisdn).await? else {
            return Ok(differs(Class::Missing, ""));
        };
        let status = match found.account.status {
            Stated::Known(status) => status,
            Stated::Unknown(_) => return Err(Fault::CspApi("account/validate").into()),
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
}
