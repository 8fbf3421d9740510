//! Changes plan or price of a subscription from a day on: another mandate, and an SMS to the
//! subscriber.

use super::terms_sms::{Announcement, ChangedTerms, terms_sms};
use crate::ambient::{Clock, Random};
use crate::charge::not_cut_over;
use crate::config::{Config, Offer};
use crate::delivery::{WakeUp, seal};
use crate::fault::Failure;
use crate::keys::{StableIds, Vault};
use crate::store::{
    AgreedTerms, ChangeTermsResult, MandateRow, NewNotification, NewTerms, Queue, Store, SubscriptionMandate,
    max_by_consent,
};
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::limits::SIGNATURE_SKEW_SECONDS;
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::subscription::{SubscriptionStatus, TermsChange};
use std::sync::Arc;

pub struct TermsChanges {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<Store>,
    pub(crate) vault: Arc<Vault>,
    pub(crate) ids: Arc<StableIds>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) wake_up: WakeUp,
}

impl TermsChanges {
    /// Records a change, and returns the subscription's status: 404 `subscription-not-found`, 422
    /// `idempotency-violation` for an id that was used for another change, 400 `invalid-request` for
    /// what no customer can be held to, 409 `request-in-progress` when something else has changed at
    /// the same moment. The same change again has no further effect.
    ///
    /// A change for the day of the one that was announced last takes its place, until that day has
    /// come. If it leaves things as they are, the announcement is withdrawn.
    pub(crate) async fn change_terms(
        &self,
        partner: PartnerId,
        nonce: Nonce,
        id: ExtId,
        change: TermsChange,
    ) -> Result<SubscriptionStatus, Failure> {
        let now = self.clock.now();
        let found = self
            .store
            .find_subscription_mandate(partner.clone(), id.clone(), change.change_id.clone())
            .await?
            .ok_or_else(subscription_not_found)?;
        if let Some(before) = &found.of_change {
            return if is_replay(before, &id, &change) {
                Ok(found.status)
            } else {
                Err(other_change().into())
            };
        }
        let (plan, offer) = self.find_plan(&partner, &change, &found.latest);
        let price = new_price(&change, &found.latest, offer)?;
        let today = self.config.time_zone.day_of(now);
        let replaced = find_replaced(&change, &found, today);
        check_day(&change, &found, replaced.is_some(), today)?;
        check_consent(&change, &found.latest, now)?;
        self.check_price(&found.latest, (plan, offer), price, &change, today)?;

        let before = replaced.and(found.before.as_ref());
        let withdrawn_to = before.filter(|old| old.plan == *plan && old.price == Some(price));
        let mandate_id = self.ids.terms_change(&partner, &change.change_id);
        let mandate = match withdrawn_to {
            Some(old) if change.consent_at.is_none() => {
                follow_change(&found.latest, (mandate_id, &id), &change, old, now)
            }
            // With a consent of its own, a withdrawal is a new agreement: no older words are its evidence.
            _ => {
                let agreed = changed_terms(&found.latest, &change, offer, price);
                follow_change(&found.latest, (mandate_id, &id), &change, &agreed, now)
            }
        };
        let announcement =
            if withdrawn_to.is_some() { Announcement::Withdrawal } else { Announcement::Change };
        // A customer who has agreed to the change at the partner knows of it without an SMS.
        let is_known = withdrawn_to.is_some_and(|old| old.accepted_at != found.latest.accepted_at);
        let message = self.word_message(&mandate, offer, change.effective_from, price, announcement)?;
        let new = NewTerms {
            mandate,
            message,
            replaced: replaced.map(|announced| announced.mandate_id.clone()),
            withdraws: withdrawn_to.is_some() && !is_known,
        };
        match self.store.change_terms(nonce, now, new).await? {
            ChangeTermsResult::NotCutOver => return Err(not_cut_over().into()),
            ChangeTermsResult::Recorded => self.wake_up.wake(Queue::Notifications),
            ChangeTermsResult::Stale => {
                let message = "The subscription is being changed: repeat the call.";
                return Err(Reject::new(ErrorCode::RequestInProgress, message).into());
            }
        }
        Ok(found.status)
    }

    /// The plan from the day on, and the operator's offer of it. While the plan stays the same, so does
    /// the offer, though the operator may have others with that plan.
    fn find_plan<'c>(
        &'c self,
        partner: &PartnerId,
        change: &'c TermsChange,
        latest: &'c MandateRow,
    ) -> (&'c ExtId, Option<&'c Offer>) {
        let plan = change.plan.as_ref().unwrap_or(&latest.plan);
        let agreed = latest.offer.as_ref().filter(|_| *plan == latest.plan);
        let agreed = agreed.and_then(|id| self.config.offer(id)).filter(|offer| offer.partner == *partner);
        (plan, agreed.or_else(|| self.config.offer_with_plan(partner, plan)))
    }

    /// A higher price has a ceiling, and needs notice or the customer's consent. A consent has a limit
    /// also where there is no ceiling. Another currency is never agreed to so.
    fn check_price(
        &self,
        latest: &MandateRow,
        (plan, offer): (&ExtId, Option<&Offer>),
        price: Money,
        change: &TermsChange,
        today: Day,
    ) -> Result<(), Reject> {
        let known = latest.price;
        if known.is_some_and(|known| known.currency != price.currency)
            || offer.is_some_and(|offer| offer.price.currency != price.currency)
        {
            return Err(Reject::invalid_request("price.currency is not the one that was agreed."));
        }
        if known.is_some_and(|known| price.amount_minor <= known.amount_minor) {
            return Ok(());
        }
        let ceiling = self.config.price_ceiling(&latest.partner, plan, price.currency);
        if let Some(ceiling) = ceiling
            && price.amount_minor > ceiling.amount_minor
        {
            return Err(Reject::invalid_request(format!("price is above the ceiling of {ceiling}.")));
        }
        if change.consent_at.is_some() {
            // Not the agreed price: one consent after another would then double it.
            let listed = self.config.listed_price(&latest.partner, plan, price.currency);
            return check_consented_price(ceiling, price, listed.or(known));
        }
        let notice = self.config.price_notice_days.days();
        if change.effective_from.days_since(today) < notice.into() {
            return Err(Reject::invalid_request(format!(
                "effectiveFrom: a higher price needs {notice} days of notice, counted from {today}, or consentAt."
            )));
        }
        Ok(())
    }

    /// The SMS, in the language in which the customer agreed.
    fn word_message(
        &self,
        mandate: &MandateRow,
        offer: Option<&Offer>,
        from: Day,
        price: Money,
        announcement: Announcement,
    ) -> Result<NewNotification, Failure> {
        let agreed = mandate.offer.as_ref().and_then(|id| self.config.offer(id));
        let offer = agreed.or(offer);
        let terms = ChangedTerms {
            operator: &self.config.name,
            country: &self.config.country,
            partner: self.config.partner_name(&mandate.partner),
            plan: offer.map_or(mandate.plan.as_str(), |offer| &offer.title),
            price,
            from,
        };
        let locale = mandate.locale.unwrap_or(Locale::En);
        let text = terms_sms(&terms, announcement, locale);
        Ok(NewNotification {
            // By this id an announcement that waits is found again when it is withdrawn.
            notification_id: mandate.mandate_id.clone(),
            partner: mandate.partner.clone(),
            pai: mandate.pai,
            named: None,
            message: seal(&self.vault, &*self.random, &text)?,
        })
    }
}

/// The refusal of a subscription that the partner does not have.
pub(crate) fn subscription_not_found() -> Reject {
    Reject::new(ErrorCode::SubscriptionNotFound, "There is no such subscription.")
}

/// The refusal of any change of a subscription that has ended.
pub(crate) fn subscription_is_over() -> Reject {
    Reject::invalid_request("The subscription has ended: report a new one under a new extSubscriptionID.")
}

fn other_change() -> Reject {
    Reject::new(ErrorCode::IdempotencyViolation, "changeID was used for another change.")
}

/// Whether the change is the one that was recorded under its id. A member that it leaves out is the
/// same.
fn is_replay(before: &MandateRow, id: &ExtId, change: &TermsChange) -> bool {
    before.in_force.as_ref().is_some_and(|(of, from)| of == id.as_str() && *from == change.effective_from)
        && change.plan.as_ref().is_none_or(|plan| before.plan == *plan)
        && change.price.is_none_or(|price| before.price == Some(price))
        && change.consent_at.is_none_or(|at| before.accepted_at.unix_seconds() == at.unix_seconds())
}

/// The announcement that the change takes the place of: the latest, for the same day, which has not come
/// yet.
fn find_replaced<'f>(
    change: &TermsChange,
    found: &'f SubscriptionMandate,
    today: Day,
) -> Option<&'f MandateRow> {
    let announced = Some(&found.latest).filter(|latest| latest.change_id.is_some())?;
    let (_, day) = announced.in_force.as_ref()?;
    (*day == change.effective_from && *day > today).then_some(announced)
}

/// The customer cannot have agreed to the change in the future, nor with what it changes.
fn check_consent(change: &TermsChange, latest: &MandateRow, now: Timestamp) -> Result<(), Reject> {
    let Some(consent_at) = change.consent_at else { return Ok(()) };
    if consent_at.seconds_since(now) > SIGNATURE_SKEW_SECONDS {
        return Err(Reject::invalid_request("consentAt must not lie in the future."));
    }
    // The consent to what changes is none to the change: it would allow one rise after another.
    if consent_at.seconds_since(latest.accepted_at) <= 0 {
        return Err(Reject::invalid_request("consentAt must lie after the agreement that changes."));
    }
    Ok(())
}

/// Where the operator has set no ceiling, a consent is believed up to a limit.
fn check_consented_price(ceiling: Option<Money>, price: Money, listed: Option<Money>) -> Result<(), Reject> {
    let most = max_by_consent(listed, price.currency).filter(|_| ceiling.is_none());
    match most {
        Some(most) if price.amount_minor > most.amount_minor => Err(Reject::invalid_request(format!(
            "price is above {most}, twice what the operator sells it at: the operator must set a ceiling for it."
        ))),
        _ => Ok(()),
    }
}

fn new_price(change: &TermsChange, latest: &MandateRow, offer: Option<&Offer>) -> Result<Money, Reject> {
    let is_same_plan = change.plan.as_ref().is_none_or(|plan| latest.plan == *plan);
    let known = if is_same_plan { latest.price } else { offer.map(|offer| offer.price) };
    change
        .price
        .or(known)
        .ok_or_else(|| Reject::invalid_request("price is needed: no offer here has this plan."))
}

/// The day must come after what was charged, and after what was changed before, unless it is the day of
/// the announcement that is replaced.
fn check_day(
    change: &TermsChange,
    found: &SubscriptionMandate,
    is_replacing: bool,
    today: Day,
) -> Result<(), Reject> {
    let from = change.effective_from;
    if found.status == SubscriptionStatus::Cancelled {
        return Err(subscription_is_over());
    }
    if from < today {
        return Err(Reject::invalid_request(format!("effectiveFrom lies in the past: today is {today}.")));
    }
    if let Some(until) = found.charged_until.filter(|until| from <= *until) {
        return Err(Reject::invalid_request(format!(
            "effectiveFrom lies in a period that is charged: the running one ends on {until}."
        )));
    }
    match &found.latest.in_force {
        Some((_, last)) if found.latest.change_id.is_some() && from <= *last && !is_replacing => {
            Err(Reject::invalid_request(format!(
                "effectiveFrom must come after {last}, from when the latest change holds."
            )))
        }
        _ => Ok(()),
    }
}

/// What the subscriber pays from the day on. They have seen no words of it but the SMS, unless the
/// partner says when they have agreed.
fn changed_terms(
    latest: &MandateRow,
    change: &TermsChange,
    offer: Option<&Offer>,
    price: Money,
) -> MandateRow {
    let plan = change.plan.clone().unwrap_or_else(|| latest.plan.clone());
    let same_plan = plan == latest.plan;
    MandateRow {
        offer: latest.offer.clone().filter(|_| same_plan).or_else(|| offer.map(|offer| offer.id.clone())),
        plan,
        price: Some(price),
        terms: offer.and_then(|offer| offer.terms.as_ref()).map(AgreedTerms::from),
        words_sha256: None,
        accepted_at: change.consent_at.unwrap_or(latest.accepted_at),
        ..latest.clone()
    }
}

/// The mandate with these terms that follows the latest one. How the number was proved stays as it was.
fn follow_change(
    latest: &MandateRow,
    (mandate_id, subscription): (String, &ExtId),
    change: &TermsChange,
    terms: &MandateRow,
    now: Timestamp,
) -> MandateRow {
    MandateRow {
        mandate_id,
        recorded_at: now,
        supersedes: Some(latest.mandate_id.clone()),
        in_force: Some((subscription.to_string(), change.effective_from)),
        change_id: Some(change.change_id.clone()),
        ..terms.clone()
    }
}
