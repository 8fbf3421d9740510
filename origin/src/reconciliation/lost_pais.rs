//! PAIs that the edge's store has and a restored ledger has not, or has in an earlier state.
//!
//! The edge knows no number. Billing does: a charge in the statement names the PAI, and its line of
//! the extract, which has the id that follows from it, names the number that was billed.

use super::adoption_report::{AdoptionError, AdoptionReport, Lost, NotAdopted};
use super::file::ReportedLedger;
use super::restored_ledger::RestoredLedger;
use crate::account::{AccountLookup, FoundAccount, live_account};
use crate::ambient::Random;
use crate::config::{AccountSource, NumberPlan};
use crate::delivery::EdgeMappings;
use crate::keys::Vault;
use crate::store::{AdoptResult, FollowResult, LostPai, NewPai, NewPaiIds};
use onbill_domain::account::{AccountFacts, Stated};
use onbill_domain::day::Day;
use onbill_domain::ids::ExtId;
use onbill_domain::limits::PAI_MAPPINGS_PER_CALL_MAX;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::pai::{Pai, PaiState};
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::kv::PaiMapping;
use onbill_domain::wire::origin::PaiMappingRequest;
use std::collections::BTreeMap;

/// PAIs of the ledger read in one page.
const PAGE: u32 = 200;

/// With what lost PAIs are found.
pub struct LostPais<'a> {
    pub edge: &'a EdgeMappings,
    pub accounts: &'a AccountLookup,
    pub source: AccountSource,
    pub vault: &'a Vault,
    pub numbers: NumberPlan,
    pub random: &'a dyn Random,
    /// The time of the copy, if it is known.
    pub copied_at: Option<Timestamp>,
}

impl LostPais<'_> {
    /// Brings the ledger's PAIs up to later states at the edge.
    pub(super) async fn follow_edge(
        &self,
        ledger: RestoredLedger<'_>,
        report: &mut AdoptionReport,
    ) -> Result<(), AdoptionError> {
        let (store, mut after) = (ledger.store, None);
        loop {
            let page = store.list_pai_statuses(after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let mappings = page
                .iter()
                .map(|(pai, status)| PaiMappingRequest { pai: *pai, mapping: self.edge.mapping_of(status) });
            for later in self.read_later(mappings.collect()).await? {
                let PaiMapping { state, version, .. } = later.mapping;
                let now = ledger.clock.now();
                let result = store.follow_edge(now, later.pai, state, version).await?;
                let is_done = result != FollowResult::ActiveAtEdge;
                report.add(Lost::Pai, &later.pai.to_string(), result.as_str(), is_done);
            }
        }
    }

    /// Adopts PAIs that the statement charges, the edge routes here, and the ledger does not have.
    pub(super) async fn adopt(
        &self,
        ledger: RestoredLedger<'_>,
        statement: &ReportedLedger,
        extract: &ReportedLedger,
        report: &mut AdoptionReport,
    ) -> Result<(), AdoptionError> {
        let lost = self.find_lost(ledger, statement, extract).await?;
        let probes = lost.keys().map(|pai| PaiMappingRequest { pai: *pai, mapping: self.oldest_mapping() });
        let routed = self.read_later(probes.collect()).await?;
        let routed: BTreeMap<Pai, PaiMapping> =
            routed.into_iter().map(|entry| (entry.pai, entry.mapping)).collect();
        for (pai, number) in lost {
            let now = ledger.clock.now();
            let result = match routed.get(&pai) {
                None => Err(NotAdopted::NotRouted),
                Some(mapping) => self.examine(ledger, pai, mapping, number).await?,
            };
            let (word, is_done) = match result {
                Ok(lost) => {
                    let result = ledger.store.adopt_pai(now, *lost).await?;
                    (result.as_str(), matches!(result, AdoptResult::Adopted | AdoptResult::Present))
                }
                Err(why) => (why.as_str(), false),
            };
            report.add(Lost::Pai, &pai.to_string(), word, is_done);
        }
        Ok(())
    }

    /// PAIs of the statement that the ledger does not have, each with its number if a line of the
    /// extract has it.
    async fn find_lost(
        &self,
        ledger: RestoredLedger<'_>,
        statement: &ReportedLedger,
        extract: &ReportedLedger,
    ) -> Result<BTreeMap<Pai, Option<Msisdn>>, AdoptionError> {
        let mut lost: BTreeMap<Pai, Option<Msisdn>> = BTreeMap::new();
        for id in statement.charges.ids() {
            let pai = statement.charges.get(&id).and_then(|copies| copies.first.pai);
            let (Some(pai), Some(id)) = (pai, ExtId::parse(&id)) else { continue };
            let billed = extract.charges.get(ledger.ids.charge(ledger.partner, &id).as_str());
            let number = billed.and_then(|bill| bill.first.details?.msisdn);
            let number = number.and_then(|number| self.numbers.parse(number.expose()).ok());
            let known = lost.entry(pai).or_default();
            *known = known.take().or(number);
        }
        let mut absent = BTreeMap::new();
        for (pai, number) in lost {
            if ledger.store.find_pai_status(pai).await?.is_none() {
                absent.insert(pai, number);
            }
        }
        Ok(absent)
    }

    /// Looks up the account of the number that was billed for the PAI.
    async fn examine(
        &self,
        ledger: RestoredLedger<'_>,
        pai: Pai,
        mapping: &PaiMapping,
        number: Option<Msisdn>,
    ) -> Result<Result<Box<LostPai>, NotAdopted>, AdoptionError> {
        let Some(number) = number else { return Ok(Err(NotAdopted::NumberUnknown)) };
        let account = self.accounts.find_account(&number).await;
        let account = account.map_err(|_| AdoptionError::Peer("the account cannot be looked up"))?;
        if let Some(FoundAccount { account: AccountFacts { status: Stated::Unknown(_), .. }, .. }) = account {
            return Err(AdoptionError::Peer("the account has a status that is not known"));
        }
        let Some(account) = live_account(account) else { return Ok(Err(NotAdopted::AccountEnded)) };
        if self.is_later_subscriber(&account) {
            return Ok(Err(NotAdopted::OtherSubscriber));
        }
        let sealed = self.vault.seal_number(self.random, &number);
        let sealed = sealed.map_err(|_| AdoptionError::Peer("a number cannot be sealed"))?;
        let fresh = NewPaiIds { pai, ..NewPaiIds::draw(self.random) };
        let FoundAccount { subscriber_ref, .. } = account;
        let new = NewPai {
            partner: ledger.partner.clone(),
            number: sealed,
            subscriber_ref,
            proved_in: None,
            fresh,
        };
        Ok(Ok(Box::new(LostPai { new, state: mapping.state, version: mapping.version })))
    }

    /// Whether the account began after the copy: the account table has the day of its activation.
    /// The PAI may be of who had the number before.
    fn is_later_subscriber(&self, account: &FoundAccount) -> bool {
        match (self.source, self.copied_at, Day::parse(&account.subscriber_ref)) {
            (AccountSource::Table, Some(copied_at), Some(day)) => day >= Day::of_timestamp(copied_at),
            _ => false,
        }
    }

    /// A mapping that is older than every real one: what the edge has is later.
    fn oldest_mapping(&self) -> PaiMapping {
        let operator = self.edge.operator.clone();
        PaiMapping { operator, subscriber: String::new(), state: PaiState::Active, version: 0 }
    }

    /// What the edge has later than these.
    async fn read_later(
        &self,
        mappings: Vec<PaiMappingRequest>,
    ) -> Result<Vec<PaiMappingRequest>, AdoptionError> {
        let mut later = Vec::new();
        for batch in mappings.chunks(PAI_MAPPINGS_PER_CALL_MAX) {
            let answer = self.edge.read_later_mappings(batch).await;
            later.extend(answer.map_err(|_| AdoptionError::Peer("the edge does not answer"))?);
        }
        Ok(later)
    }
}
