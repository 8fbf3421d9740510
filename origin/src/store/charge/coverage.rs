//! Whether the customer has agreed to a charge: the rule, for what either database has read.

use crate::config::{ChargeNeeds, RepeatedPeriod};
use crate::store::charge::NewCharge;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::ExtId;
use onbill_domain::mandate::{MandateGap, covers};
use onbill_domain::money::Money;
use onbill_domain::timestamp::Timestamp;

/// What a partner's charges need.
#[derive(Clone, Copy, Debug)]
pub struct ChargeRules {
    pub needs: ChargeNeeds,
    pub repeated_period: RepeatedPeriod,
    /// When the service period begins, in the operator's time zone.
    pub begins_at: Timestamp,
}

impl ChargeRules {
    /// The charge needs nothing but its PAI.
    pub fn none(now: Timestamp) -> Self {
        Self { needs: ChargeNeeds::Pai, repeated_period: RepeatedPeriod::Alarm, begins_at: now }
    }
}

/// The mandate of the subscription that the charge is for, as the ledger has it.
#[derive(Clone, Debug)]
pub(in crate::store) struct Mandate {
    pub(in crate::store) id: String,
    pub(in crate::store) plan: ExtId,
    /// `None` when the price is not known.
    pub(in crate::store) price: Option<Money>,
    /// The subscription had been cancelled when the period began.
    pub(in crate::store) is_over: bool,
    /// Another charge of the subscription is for some of these days.
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
    /// The last day on which the first mandate of a customer may come into force: a month from the
    /// first day of the period. The months before it were not agreed.
    pub(super) fn first_month_end(&self) -> Day {
        let days = self.request.service_period;
        ServicePeriod::from_months(days.from(), 1).map_or(days.to(), |month| month.to().min(days.to()))
    }

    /// What the customer has not agreed to, whatever else was charged.
    pub(super) fn find_gap(&self, mandate: Option<&Mandate>) -> Option<MandateGap> {
        let needs = self.rules.needs;
        if needs == ChargeNeeds::Pai {
            return None;
        }
        let Some(mandate) = mandate else { return Some(MandateGap::None) };
        if mandate.is_over {
            return Some(MandateGap::Ended);
        }
        if needs == ChargeNeeds::Subscription {
            return None;
        }
        match mandate.price {
            None => Some(MandateGap::None),
            Some(price) => {
                let covered = covers(price, self.request.amount, self.request.service_period);
                (!covered).then_some(MandateGap::OverPrice)
            }
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
