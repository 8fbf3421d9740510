//! Redemptions of coupons, and the months that they pay for.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::config::ChargeCodes;
use crate::store::charge::Charge;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::Hash;
use crate::store::redemption_outcome::RedemptionOutcome;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, PartnerId};
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use std::sync::Arc;

impl Store {
    /// Claims the coupon for the partner's reference, records its charge and puts the charge's job
    /// into the queue, leased to the caller until `responding_until`. A wrong code is counted.
    pub async fn redeem_coupon(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRedemption,
    ) -> Result<RedeemResult, StoreError> {
        use_case!(self, write(nonce), redeem_coupon(now, &new))
    }
}

/// The id of a coupon's charge, by the operator's id of the coupon and by how many redemptions of it
/// were declined before.
pub type CouponChargeId = Arc<dyn Fn(&ExtId, u32) -> String + Send + Sync>;

#[derive(Clone)]
pub struct NewRedemption {
    /// The charge's id follows from the coupon, which is only found in the database.
    pub charge_id: CouponChargeId,
    /// The charge codes, from which the booking of its charge follows.
    pub codes: Arc<ChargeCodes>,
    pub partner: PartnerId,
    pub ext_reference: ExtId,
    /// Keyed hash of the code.
    pub code: Hash,
    /// The PAI that the partner has named as the user.
    pub pai: Option<Pai>,
    /// Until then a replay is refused, because the first call is still in progress.
    pub responding_until: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedeemResult {
    /// Claimed now. The caller submits its charge to billing, then answers.
    Created(Box<Charge>),
    /// Decided, now or before.
    Decided(RedemptionOutcome),
    /// The reference was used with another code or PAI.
    Conflict,
    /// The first call with this reference, or with this code, has not been answered yet.
    InProgress,
    /// No coupon of this partner has the code, or it is void.
    Unknown {
        /// How many wrong codes the partner has sent in this hour, with this one.
        wrong: u32,
    },
    Expired,
    /// Redeemed under another reference.
    Used,
    /// The partner has no such PAI, or it is closed.
    PaiNotFound,
    /// The PAI is paid for up to the end of the calendar.
    NoDaysLeft,
    /// Another system charges the buyer, or the user.
    NotCutOver,
}

/// The months that begin on the first day that is not paid for; `None` at the end of the calendar.
pub(in crate::store) fn period_after(
    today: Day,
    paid_until: impl Iterator<Item = Day>,
    months: u8,
) -> Option<ServicePeriod> {
    let from = match paid_until.max() {
        Some(day) if day >= today => day.next()?,
        _ => today,
    };
    ServicePeriod::from_months(from, months)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_begin_when_nothing_is_paid_for() {
        let day = |text: &str| Day::parse(text).expect("is a day");
        let begin = |paid: &[&str]| {
            let period = period_after(day("2026-11-18"), paid.iter().map(|text| day(text)), 6);
            period.map(|period| (period.from().to_string(), period.to().to_string()))
        };
        let days = |from: &str, to: &str| Some((from.to_owned(), to.to_owned()));
        assert_eq!(begin(&[]), days("2026-11-18", "2027-05-17"));
        assert_eq!(begin(&["2026-11-17"]), days("2026-11-18", "2027-05-17"));
        assert_eq!(begin(&["2026-11-18", "2026-10-31"]), days("2026-11-19", "2027-05-18"));
        assert_eq!(begin(&["2027-05-17"]), days("2027-05-18", "2027-11-17"));
        assert_eq!(begin(&["9999-12-31"]), None);
        assert_eq!(begin(&["9999-10-01"]), None);
    }
}
