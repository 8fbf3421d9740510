//! Changes plan or price of a subscription from a day on: another mandate, and an SMS to the
//! subscriber.

use super::terms_sms::{ChangedTerms, terms_sms};
use crate::ambient::{Clock, Random};
use crate::config::{Config, Offer};
use crate::delivery::WakeUp;
use crate::fault::Failure;
use crate::keys::{StableIds, Vault};
use crate::store::{
    AgreedTerms, ChangeTermsResult, MandateRow, NewNotification, NewTerms, Queue, Store, SubscriptionMandate,
};
use onbill_domain::day::Day;
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::subscription::{SubscriptionStatus, TermsChange};
use std::sync::Arc;
use zeroize::Zeroizing;

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
        let plan = change.plan.as_ref().unwrap_or(&found.latest.plan);
        let offer = self.config.offer_with_plan(&partner, plan);
        let price = new_price(&change, &found.latest, offer)?;
        let today = self.config.time_zone.day_of(now);
        check_day(&change, &found, today)?;
        self.check_price(&found.latest, (plan, offer), price, change.effective_from, today)?;

        let mandate_id = self.ids.terms_change(&partner, &change.change_id);
        let mandate = changed_mandate(&found.latest, (mandate_id, &id), &change, offer, price, now);
        let message = self.word_message(&mandate, offer, change.effective_from, price)?;
        match self.store.change_terms(nonce, now, NewTerms { mandate, message }).await? {
            ChangeTermsResult::Recorded => self.wake_up.wake(Queue::Notifications),
            ChangeTermsResult::Stale => {
                let message = "The subscription is being changed: repeat the call.";
                return Err(Reject::new(ErrorCode::RequestInProgress, message).into());
            }
        }
        Ok(found.status)
    }

    /// A higher price needs notice, and has a ceiling. Another currency is never agreed to so.
    fn check_price(
        &self,
        latest: &MandateRow,
        (plan, offer): (&ExtId, Option<&Offer>),
        price: Money,
        from: Day,
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
        if let Some(ceiling) = self.config.price_ceiling(&latest.partner, plan, price.currency)
            && price.amount_minor > ceiling.amount_minor
        {
            return Err(Reject::invalid_request(format!("price is above the ceiling of {ceiling}.")));
        }
        let notice = self.config.price_notice_days.days();
        if from.days_since(today) < notice.into() {
            return Err(Reject::invalid_request(format!(
                "effectiveFrom: a higher price needs {notice} days of notice, counted from {today}."
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
    ) -> Result<NewNotification, Failure> {
        let terms = ChangedTerms {
            operator: &self.config.name,
            partner: self.config.partner_name(&mandate.partner),
            plan: offer.map_or(mandate.plan.as_str(), |offer| &offer.title),
            price,
            from,
        };
        let locale = mandate.locale.unwrap_or(Locale::En);
        let text = Zeroizing::new(terms_sms(&terms, locale));
        Ok(NewNotification {
            notification_id: self.random.uuid(),
            partner: mandate.partner.clone(),
            pai: mandate.pai,
            named: None,
            message: self.vault.seal_message(&*self.random, text.as_bytes())?,
        })
    }
}

/// The refusal of a subscription that the partner does not have.
pub(crate) fn subscription_not_found() -> Reject {
    Reject::new(ErrorCode::SubscriptionNotFound, "There is no such subscription.")
}

/// The refusal of any change of a subscription that has ended.
pub(crate) fn subscription_is_over() -> Reject {
    Reject::invalid_request("The subscription is over: a new one needs a new name.")
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
}

fn new_price(change: &TermsChange, latest: &MandateRow, offer: Option<&Offer>) -> Result<Money, Reject> {
    let is_same_plan = change.plan.as_ref().is_none_or(|plan| latest.plan == *plan);
    let known = if is_same_plan { latest.price } else { offer.map(|offer| offer.price) };
    change
        .price
        .or(known)
        .ok_or_else(|| Reject::invalid_request("price is needed: no offer here has this plan."))
}

/// The day must come after what was charged and what was changed before.
fn check_day(change: &TermsChange, found: &SubscriptionMandate, today: Day) -> Result<(), Reject> {
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
        Some((_, last)) if found.latest.change_id.is_some() && from <= *last => Err(Reject::invalid_request(
            format!("effectiveFrom must come after {last}, from when the latest change holds."),
        )),
        _ => Ok(()),
    }
}

/// How the number was proved stays as it was, and when the customer agreed: they are told of the
/// change. They have seen no words of it but the SMS.
fn changed_mandate(
    latest: &MandateRow,
    (mandate_id, subscription): (String, &ExtId),
    change: &TermsChange,
    offer: Option<&Offer>,
    price: Money,
    now: Timestamp,
) -> MandateRow {
    MandateRow {
        mandate_id,
        offer: offer.map(|offer| offer.id.clone()),
        plan: change.plan.clone().unwrap_or_else(|| latest.plan.clone()),
        price: Some(price),
        terms: offer.and_then(|offer| offer.terms.as_ref()).map(AgreedTerms::from),
        words_sha256: None,
        recorded_at: now,
        supersedes: Some(latest.mandate_id.clone()),
        in_force: Some((subscription.to_string(), change.effective_from)),
        change_id: Some(change.change_id.clone()),
        ..latest.clone()
    }
}
