//! Attempts to redeem a coupon.

use super::labels::{ByPartner, Counters, LabelLists};
use super::page::Page;
use super::series::REDEMPTIONS;
use onbill_domain::ids::PartnerId;
use std::fmt;

onbill_domain::word_enum! {
    /// The result in the response to a partner.
    pub enum RedemptionResult {
        Redeemed = "redeemed",
        /// The price cannot be put on the bill of the coupon's buyer.
        Declined = "declined",
        WrongCode = "wrong-code",
        Expired = "expired",
        /// It was redeemed by another reference.
        Used = "used",
        /// Anything else, such as a subscriber that does not exist.
        Refused = "refused",
    }
}

/// Redemptions by partner.
#[derive(Debug)]
pub(crate) struct RedemptionMetrics(ByPartner<Counters<{ RedemptionResult::ALL.len() }>>);

impl RedemptionMetrics {
    pub(super) fn new(lists: &LabelLists) -> Self {
        Self(ByPartner::new(&lists.partners, Counters::default))
    }

    pub(crate) fn note(&self, partner: &PartnerId, result: RedemptionResult) {
        self.0.of(partner).count(result as usize);
    }

    pub(super) fn write(&self, page: &mut Page<'_>) -> fmt::Result {
        page.counters(
            REDEMPTIONS,
            self.0.iter().flat_map(|(partner, results)| {
                let results = RedemptionResult::ALL.into_iter().zip(results.read());
                results.map(move |(result, count)| ([partner, result.as_str()], count))
            }),
        )
    }
}
