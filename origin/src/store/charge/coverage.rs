//! Whether the customer has agreed to a charge: the rule, for what either database has read.

use super::new_charge::NewCharge;
use crate::config::{Booking, ChargeNeeds, RepeatedPeriod};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::mandate::{MandateGap, covers};
use onbill_domain::money::Money;

/// Subscriptions of a PAI of which the mandate is looked at, those that were not over first. Only one
/// is live at a time, so that others have been cancelled within the charge's own period.
pub(super) const CANDIDATES_MAX: u32 = 8;

/// A mandate that a charge may be for, as the ledger has it: of its subscription, the one that was in
/// force on the first day of the period.
#[derive(Clone, Debug)]
pub(in crate::store) struct Mandate {
    pub(in crate::store) id: String,
    /// The operator's offer that was agreed to, if the plan was one.
    pub(in crate::store) offer: Option<OfferId>,
    pub(in crate::store) plan: ExtId,
    /// `None` when the price is not known.
    pub(in crate::store) price: Option<Money>,
    /// The subscription had been cancelled when the period began.
    pub(in crate::store) is_over: bool,
    /// Another charge is for some of these days, so that this subscription cannot be charged for them.
    pub(in crate::store) is_charged: bool,
}

/// Why a charge is declined, and the code that its response names beside the reason.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Decline {
    pub(in crate::store) reason: DeclineReason,
    /// Whose code it is, and the code. `None` for a reason that says everything.
    pub(in crate::store) raw: Option<(&'static str, &'static str)>,
}

impl From<DeclineReason> for Decline {
    fn from(reason: DeclineReason) -> Self {
        Self { reason, raw: None }
    }
}

impl From<MandateGap> for Decline {
    fn from(gap: MandateGap) -> Self {
        Self { reason: DeclineReason::RiskDeclined, raw: Some(("mandate", gap.as_str())) }
    }
}

impl Decline {
    /// A coupon has paid for some of the days.
    pub(in crate::store) const PAID_AHEAD: Self =
        Self { reason: DeclineReason::RiskDeclined, raw: Some(("coupon", "paid-ahead")) };
}

impl NewCharge {
    /// Its booking under this mandate.
    pub(in crate::store) fn book(&self, mandate: Option<&Mandate>) -> Booking {
        let (offer, plan) = match (&self.offer, mandate) {
            (Some(offer), _) => (Some(offer.clone()), None),
            (None, Some(mandate)) => (mandate.offer.clone(), Some(mandate.plan.clone())),
            (None, None) => (None, None),
        };
        self.codes.book(&self.partner, offer, plan)
    }

    /// The last day on which the first mandate of a customer may come into force: a month from the
    /// first day of the period. The months before it were not agreed.
    pub(super) fn first_month_end(&self) -> Day {
        let days = self.request.service_period;
        ServicePeriod::from_months(days.from(), 1).map_or(days.to(), |month| month.to().min(days.to()))
    }

    /// The subscription that the partner says the charge is for.
    pub(super) fn named_subscription(&self) -> Option<&str> {
        self.request.partner_subscription_id.as_ref().map(ExtId::as_str)
    }

    /// The mandate that the charge is compared with, of one for each subscription. A customer who has
    /// cancelled and returned within a period has two, and a charge need not say which it is for: it is
    /// the first that covers it and that is not charged yet. So the return takes nothing from what was
    /// to be charged before, and what the customer has agreed to since can be charged, too. A partner
    /// gains nothing by it: which days two subscriptions may both charge does not depend on the choice.
    pub(super) fn choose_mandate(&self, candidates: Vec<Mandate>) -> Option<Mandate> {
        // Where no price is needed, it only hints at the subscription.
        let is_price_needed = self.rules.needs != ChargeNeeds::Subscription;
        candidates.into_iter().min_by_key(|mandate| {
            let is_uncovered = !self.is_covered_by(mandate);
            if is_price_needed {
                (mandate.is_over, is_uncovered, mandate.is_charged)
            } else {
                (mandate.is_over, mandate.is_charged, is_uncovered)
            }
        })
    }

    fn is_covered_by(&self, mandate: &Mandate) -> bool {
        mandate.price.is_some_and(|price| covers(price, self.request.amount, self.request.service_period))
    }

    /// What the customer has not agreed to, whatever else was charged.
    pub(super) fn find_gap(&self, mandate: Option<&Mandate>) -> Option<MandateGap> {
        let needs = self.rules.needs;
        let Some(mandate) = mandate else {
            // A subscription that the partner names must be there, even if none is needed.
            let is_needed = needs != ChargeNeeds::Pai || self.named_subscription().is_some();
            return is_needed.then_some(MandateGap::None);
        };
        match needs {
            ChargeNeeds::Subscription | ChargeNeeds::Mandate if mandate.is_over => Some(MandateGap::Ended),
            ChargeNeeds::Pai | ChargeNeeds::Subscription => None,
            ChargeNeeds::Mandate if mandate.price.is_none() => Some(MandateGap::None),
            ChargeNeeds::Mandate => (!self.is_covered_by(mandate)).then_some(MandateGap::OverPrice),
        }
    }

    /// Whether a charge for days that are charged already is noticed.
    pub(super) fn minds_repeats(&self) -> bool {
        self.rules.needs != ChargeNeeds::Pai
    }

    /// What a charge for days that are charged already gets.
    pub(super) fn find_repeat(&self, is_charged: bool) -> Option<MandateGap> {
        let declines = self.minds_repeats() && self.rules.repeated_period == RepeatedPeriod::Decline;
        (is_charged && declines).then_some(MandateGap::PeriodCharged)
    }
}
