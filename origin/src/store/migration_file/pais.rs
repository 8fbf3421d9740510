//! What becomes of the lines of a file of PAIs.

use super::{AccountsAre, DarkPai, DarkSubscription, LoadOutcome, LoadRefusal, is_older};
use crate::store::number::{BilledSubscriber, Hash, NumberIndex};
use onbill_domain::account::AccountStatus;
use onbill_domain::money::Money;
use onbill_domain::pai::PaiState;
use std::collections::{HashMap, HashSet};

/// What the ledger has of the PAIs, numbers and subscriptions of a batch.
#[derive(Default)]
pub(super) struct KnownRows {
    /// By the PAI.
    pub(super) pais: HashMap<String, KnownPai>,
    pub(super) subscribers: HashMap<NumberIndex, Vec<KnownSubscriber>>,
    /// Subscriber and partner of each open PAI of these subscribers.
    pub(super) open_pais: HashSet<(String, String)>,
    /// Status and `subscriber_ref`.
    pub(super) accounts: HashMap<NumberIndex, (AccountStatus, String)>,
    /// Partner and external id of each subscription.
    pub(super) subscriptions: HashSet<(String, String)>,
    /// By the PAI, for those that were issued here: what its live subscription is or was agreed to be.
    pub(super) own_terms: HashMap<String, Vec<OwnTerms>>,
}

/// A plan of a subscription, and its price if that was agreed.
pub(super) struct OwnTerms {
    pub(super) ext_subscription_id: String,
    pub(super) plan: String,
    pub(super) price: Option<Money>,
}

impl OwnTerms {
    /// Whether these are the terms of a line, which may be without a price.
    fn are_of(&self, subscription: &DarkSubscription) -> bool {
        let price = subscription.mandate.price;
        self.ext_subscription_id == subscription.ext_subscription_id.as_str()
            && self.plan == subscription.mandate.plan.as_str()
            && (price.is_none() || price == self.price)
    }
}

pub(super) struct KnownPai {
    pub(super) partner: String,
    pub(super) state: PaiState,
    pub(super) is_dark: bool,
    /// `None` for one that was issued here.
    pub(super) fingerprint: Option<Hash>,
    /// Number and `subscriber_ref`; `None` once they were erased.
    pub(super) subscriber: Option<(NumberIndex, String)>,
    /// The file that it is as in.
    pub(super) file_id: Option<i64>,
}

pub(super) struct KnownSubscriber {
    pub(super) subscriber_id: String,
    pub(super) subscriber_ref: Option<String>,
    pub(super) is_present: bool,
    /// Ended when they were recorded: all that was loaded of them was closed.
    pub(super) came_ended: bool,
}

/// What is to be written.
#[derive(Default)]
pub(super) struct PaiWrites<'b> {
    pub(super) subscribers: Vec<NewSubscriber<'b>>,
    /// Ids of subscribers whose closed PAIs came before their open one: they have not left after all.
    pub(super) present: Vec<String>,
    pub(super) pais: Vec<NewDarkPai<'b>>,
    pub(super) updates: Vec<PaiUpdate<'b>>,
}

/// The subscriber of a line, by its fresh ids.
pub(super) struct NewSubscriber<'b> {
    pub(super) line: &'b DarkPai,
    /// One of a closed PAI may have left the number long ago.
    pub(super) has_ended: bool,
}

pub(super) struct NewDarkPai<'b> {
    pub(super) line: &'b DarkPai,
    pub(super) subscriber_id: String,
    pub(super) state: PaiState,
}

pub(super) struct PaiUpdate<'b> {
    pub(super) line: &'b DarkPai,
    pub(super) state: PaiState,
}

/// Plans a batch, line after line: a later one meets what the earlier ones will have written. The id of its file is
/// known if it is about to be loaded.
pub(super) fn plan_pais(
    mut known: KnownRows,
    file_id: Option<i64>,
    accounts: AccountsAre,
    batch: &[DarkPai],
) -> (Vec<LoadOutcome>, PaiWrites<'_>) {
    let mut writes = PaiWrites::default();
    let outcomes = batch.iter().map(|line| {
        known.plan_line(file_id, accounts, line, &mut writes).unwrap_or_else(LoadOutcome::Refused)
    });
    (outcomes.collect(), writes)
}

impl KnownRows {
    fn plan_line<'b>(
        &mut self,
        file_id: Option<i64>,
        accounts: AccountsAre,
        line: &'b DarkPai,
        writes: &mut PaiWrites<'b>,
    ) -> Result<LoadOutcome, LoadRefusal> {
        let state = self.find_state(accounts, line);
        if let Some(known) = self.pais.get(line.pai.as_str()) {
            let terms = self.own_terms.get(line.pai.as_str()).map(Vec::as_slice).unwrap_or_default();
            let outcome = known.compare(file_id, line, terms)?;
            if outcome == LoadOutcome::Updated {
                writes.updates.push(PaiUpdate { line, state: state? });
            }
            return Ok(outcome);
        }
        let state = state?;
        let is_open = state != PaiState::Closed;
        let partner = line.partner.to_string();
        let named =
            line.subscription.as_ref().map(|it| (partner.clone(), it.ext_subscription_id.to_string()));
        if named.as_ref().is_some_and(|named| self.subscriptions.contains(named)) {
            return Err(LoadRefusal::SubscriptionTaken);
        }
        let on_record = match &line.subscriber {
            Some(subscriber) => self.find_subscriber(subscriber, is_open, writes)?,
            None => None,
        };
        let subscriber_id = on_record.clone().unwrap_or_else(|| line.fresh.subscriber_id.clone());
        if is_open && !self.open_pais.insert((subscriber_id.clone(), partner.clone())) {
            return Err(LoadRefusal::TwoOpenPais);
        }
        if on_record.is_none() {
            self.add_subscriber(line, is_open);
            writes.subscribers.push(NewSubscriber { line, has_ended: !is_open });
        }
        self.subscriptions.extend(named);
        let fingerprint = Some(line.fingerprint.to_bytes());
        let subscriber = line.subscriber.as_ref().map(to_known);
        let known = KnownPai { partner, state, is_dark: true, fingerprint, subscriber, file_id };
        self.pais.insert(line.pai.to_string(), known);
        writes.pais.push(NewDarkPai { line, subscriber_id, state });
        Ok(LoadOutcome::Loaded)
    }

    /// The state of the PAI, if its line is the subscriber's by the embedded table. One of a suspended
    /// account is suspended.
    fn find_state(&self, accounts: AccountsAre, line: &DarkPai) -> Result<PaiState, LoadRefusal> {
        let Some(subscriber) = line.subscriber.as_ref().filter(|_| line.state != PaiState::Closed) else {
            return Ok(line.state);
        };
        if accounts == AccountsAre::Elsewhere {
            return Ok(line.state);
        }
        let (status, subscriber_ref) =
            self.accounts.get(&subscriber.number.index).ok_or(LoadRefusal::NumberUnknown)?;
        match status {
            AccountStatus::Ceased => Err(LoadRefusal::NumberCeased),
            _ if *subscriber_ref != subscriber.subscriber_ref => Err(LoadRefusal::AnotherSubscriber),
            AccountStatus::Suspended => Ok(PaiState::Suspended),
            AccountStatus::Active => Ok(line.state),
        }
    }

    /// The subscriber on record. An open PAI needs the number's present one; a closed one may be of one who
    /// has left.
    fn find_subscriber(
        &mut self,
        subscriber: &BilledSubscriber,
        is_open: bool,
        writes: &mut PaiWrites<'_>,
    ) -> Result<Option<String>, LoadRefusal> {
        let Some(on_record) = self.subscribers.get_mut(&subscriber.number.index) else { return Ok(None) };
        let is_same = |one: &KnownSubscriber| one.subscriber_ref.as_ref() == Some(&subscriber.subscriber_ref);
        if let Some(present) = on_record.iter().find(|one| one.is_present) {
            if is_same(present) {
                return Ok(Some(present.subscriber_id.clone()));
            }
            if is_open {
                return Err(LoadRefusal::AnotherSubscriber);
            }
        }
        let mut same = on_record.iter_mut().filter(|one| is_same(one));
        if !is_open {
            return Ok(same.next().map(|one| one.subscriber_id.clone()));
        }
        let Some(one) = same.find(|one| one.came_ended) else { return Ok(None) };
        one.is_present = true;
        writes.present.push(one.subscriber_id.clone());
        Ok(Some(one.subscriber_id.clone()))
    }

    fn add_subscriber(&mut self, line: &DarkPai, is_present: bool) {
        let Some(BilledSubscriber { number, subscriber_ref }) = &line.subscriber else { return };
        self.subscribers.entry(number.index).or_default().push(KnownSubscriber {
            subscriber_id: line.fresh.subscriber_id.clone(),
            subscriber_ref: Some(subscriber_ref.clone()),
            is_present,
            came_ended: !is_present,
        });
    }
}

impl KnownPai {
    /// Compares a PAI with its line. The line may bring a later state while the PAI is dark; one that is closed
    /// stays so. `terms` are those of its subscription, if it was issued here.
    fn compare(
        &self,
        file_id: Option<i64>,
        line: &DarkPai,
        terms: &[OwnTerms],
    ) -> Result<LoadOutcome, LoadRefusal> {
        if self.partner != line.partner.as_str() {
            return Err(LoadRefusal::PaiTaken);
        }
        let Some(fingerprint) = self.fingerprint else { return self.compare_own(line, terms) };
        if fingerprint == line.fingerprint.to_bytes() {
            return Ok(LoadOutcome::Unchanged);
        }
        let stays = fingerprint.starts_with(&line.fingerprint.stays) && !is_older(file_id, self.file_id);
        let may_follow = self.state != PaiState::Closed || line.state == PaiState::Closed;
        if stays && self.is_dark && may_follow { Ok(LoadOutcome::Updated) } else { Err(LoadRefusal::Changed) }
    }

    /// One that was issued here, and went back to the other system: it comes again with its subscriber, and is
    /// as any that was loaded from then on. One that was closed there may come without its number. What was
    /// agreed here stays, so that an open one needs a line with the same subscription.
    fn compare_own(&self, line: &DarkPai, terms: &[OwnTerms]) -> Result<LoadOutcome, LoadRefusal> {
        let is_closed = line.state == PaiState::Closed;
        let both_closed = self.state == PaiState::Closed && is_closed;
        let is_subscribers = match &line.subscriber {
            Some(subscriber) => self.subscriber.as_ref() == Some(&to_known(subscriber)),
            None => is_closed,
        };
        let may_follow = self.state != PaiState::Closed || both_closed;
        let is_it = self.is_dark && may_follow && (is_subscribers || both_closed);
        if !is_it {
            return Err(LoadRefusal::PaiTaken);
        }
        let is_same = match &line.subscription {
            Some(subscription) => terms.iter().any(|terms| terms.are_of(subscription)),
            None => terms.is_empty(),
        };
        if is_closed || is_same { Ok(LoadOutcome::Updated) } else { Err(LoadRefusal::OtherSubscription) }
    }
}

/// By which a subscriber of a line is compared with one on record.
fn to_known(subscriber: &BilledSubscriber) -> (NumberIndex, String) {
    (subscriber.number.index, subscriber.subscriber_ref.clone())
}
