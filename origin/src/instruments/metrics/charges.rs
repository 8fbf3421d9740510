//! Charges and refunds: what became of them, and how long that took.

use super::labels::{ByCurrency, ByPartner, Counters, LabelLists};
use super::page::Page;
use super::series::{CHARGE_RESULT, CHARGED, CHARGES, CHARGES_PENDING, REFUNDED, REFUNDS, REFUNDS_PENDING};
use crate::histogram::{CHARGE_RESULT_BOUNDS, Histogram};
use crate::store::ChargeDecision;
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::PartnerId;
use onbill_domain::money::Money;
use prometheus_client::metrics::counter::Counter;
use std::fmt;
use std::time::Duration;

/// The reason of a charge that was not declined.
const NO_REASON: &str = "none";

/// How a charge was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChargeResult {
    Approved,
    Declined(DeclineReason),
}

impl From<&ChargeDecision> for ChargeResult {
    fn from(decision: &ChargeDecision) -> Self {
        match decision {
            ChargeDecision::Approved { .. } => Self::Approved,
            ChargeDecision::Declined { reason, .. } => Self::Declined(*reason),
            ChargeDecision::NotEligible => Self::Declined(DeclineReason::RiskDeclined),
        }
    }
}

/// Charges and refunds.
#[derive(Debug)]
pub(crate) struct ChargeMetrics {
    partners: ByPartner<PartnerCounters>,
    results: Histogram,
}

#[derive(Debug)]
struct PartnerCounters {
    approved: Counter,
    declined: Counters<{ DeclineReason::ALL.len() }>,
    pending: Counter,
    charged: ByCurrency,
    refunds_approved: Counter,
    refunds_declined: Counter,
    refunds_pending: Counter,
    refunded: ByCurrency,
}

impl ChargeMetrics {
    pub(super) fn new(lists: &LabelLists) -> Self {
        let make = || PartnerCounters {
            approved: Counter::default(),
            declined: Counters::default(),
            pending: Counter::default(),
            charged: ByCurrency::new(&lists.currencies),
            refunds_approved: Counter::default(),
            refunds_declined: Counter::default(),
            refunds_pending: Counter::default(),
            refunded: ByCurrency::new(&lists.currencies),
        };
        Self {
            partners: ByPartner::new(&lists.partners, make),
            results: Histogram::new(CHARGE_RESULT_BOUNDS),
        }
    }

    /// A charge was settled, so long after its post.
    pub(crate) fn note_settled(
        &self,
        partner: &PartnerId,
        amount: Money,
        result: ChargeResult,
        took: Duration,
    ) {
        let of = self.partners.of(partner);
        match result {
            ChargeResult::Approved => {
                of.approved.inc();
                of.charged.add(amount.currency, amount.amount_minor);
            }
            ChargeResult::Declined(reason) => of.declined.count(reason as usize),
        }
        self.results.note(took);
    }

    /// The post of a charge was answered, and billing has not decided yet.
    pub(crate) fn note_pending(&self, partner: &PartnerId) {
        self.partners.of(partner).pending.inc();
    }

    pub(crate) fn note_refund_settled(&self, partner: &PartnerId, amount: Money, is_approved: bool) {
        let of = self.partners.of(partner);
        if is_approved {
            of.refunds_approved.inc();
            of.refunded.add(amount.currency, amount.amount_minor);
        } else {
            of.refunds_declined.inc();
        }
    }

    /// The post of a refund was answered, and billing has not decided yet.
    pub(crate) fn note_refund_pending(&self, partner: &PartnerId) {
        self.partners.of(partner).refunds_pending.inc();
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(
            CHARGES,
            self.partners.iter().flat_map(|(partner, of)| {
                let approved = ([partner, "approved", NO_REASON], of.approved.get());
                let declined = DeclineReason::ALL.into_iter().zip(of.declined.read());
                let declined =
                    declined.map(move |(reason, count)| ([partner, "declined", reason.as_str()], count));
                [approved].into_iter().chain(declined)
            }),
        )?;
        page.counters(
            CHARGES_PENDING,
            self.partners.iter().map(|(partner, of)| ([partner], of.pending.get())),
        )?;
        page.counters(CHARGED, self.partners.iter().flat_map(|(partner, of)| sums_of(partner, &of.charged)))?;
        page.histograms(CHARGE_RESULT, [([], &self.results)])?;
        page.counters(
            REFUNDS,
            self.partners.iter().flat_map(|(partner, of)| {
                [("approved", &of.refunds_approved), ("declined", &of.refunds_declined)]
                    .map(|(outcome, count)| ([partner, outcome], count.get()))
            }),
        )?;
        let pending = self.partners.iter().map(|(partner, of)| ([partner], of.refunds_pending.get()));
        page.counters(REFUNDS_PENDING, pending)?;
        page.counters(REFUNDED, self.partners.iter().flat_map(|(partner, of)| sums_of(partner, &of.refunded)))
    }
}

fn sums_of<'v>(partner: &'v str, sums: &'v ByCurrency) -> impl Iterator<Item = ([&'v str; 2], u64)> {
    sums.iter().map(move |(currency, sum)| ([partner, currency], sum))
}
