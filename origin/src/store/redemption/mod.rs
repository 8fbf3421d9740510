//! Redemptions of coupons, and which months they are for.

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::charge::Charge;
use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, SealedNumber};
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::decline_reason::DeclineReason;
use onbill_domain::ids::{ExtId, OfferId, PartnerId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::COUPON_CHARGE_PREFIX;

impl Store {
    /// Claims a coupon for the partner's reference, records its charge and puts the hand-off into the outbox, leased to
    /// the caller until `responding_until`. A code that is nobody's is counted.
    pub async fn redeem_coupon(
        &self,
        nonce: Nonce,
        now: Timestamp,
        new: NewRedemption,
    ) -> Result<Redeeming, StoreError> {
        use_case!(self, write(nonce), redeem(now, &new))
    }

    /// Whom to remind: the coupon's days end soon, no others follow, and nothing else has been signed up for. A few at a
    /// time; those that have been reminded are not among them.
    pub async fn reminders_due(
        &self,
        today: Day,
        ends_by: Day,
        limit: u32,
    ) -> Result<Vec<ReminderDue>, StoreError> {
        use_case!(self, read, reminders_due(today, ends_by, limit))
    }

    /// Puts the reminder into the outbox, once. False when it has been put there, or is not due any more.
    pub async fn remind(
        &self,
        now: Timestamp,
        transaction_id: String,
        message: Vec<u8>,
    ) -> Result<bool, StoreError> {
        use_case!(self, write, remind(now, &transaction_id, &message))
    }
}

/// A coupon to redeem.
#[derive(Clone)]
pub struct NewRedemption {
    /// Our name for its charge.
    pub transaction_id: String,
    /// Who redeems.
    pub partner: PartnerId,
    /// The partner's name for the redemption.
    pub ext_reference: ExtId,
    /// Keyed hash of the code.
    pub code: Hash,
    /// Whose subscription the partner has named.
    pub pai: Option<Pai>,
    /// Until then the caller is working on the answer.
    pub responding_until: Timestamp,
}

impl NewRedemption {
    /// The name of its charge, where partners name the others.
    pub(in crate::store) fn ext_transaction_id(&self) -> Option<ExtId> {
        charge_name(&self.transaction_id)
    }
}

/// The name of a coupon's charge towards partners.
fn charge_name(transaction_id: &str) -> Option<ExtId> {
    ExtId::parse(&format!("{COUPON_CHARGE_PREFIX}{transaction_id}"))
}

/// How redeeming went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Redeeming {
    /// Claimed now: hand its charge off, then answer.
    Created(Box<Charge>),
    /// Decided now or before: answer this.
    Decided(RedemptionEnd),
    /// The reference was used with another code or for somebody else.
    Conflict,
    /// The same reference, or the same code under another one, is being answered.
    InProgress,
    /// Nobody's code, or one that is void, or of another partner.
    Unknown {
        /// How many such codes the partner has tried in this hour, this one included.
        wrong: u32,
    },
    /// It was not redeemed in time.
    Expired,
    /// Another reference has redeemed it.
    Used,
    /// The named PAI is none of this partner's, or closed.
    PaiNotFound,
    /// The PAI is paid for as far as the calendar goes.
    NoDaysLeft,
}

/// How a redemption ended. The same to every repetition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedemptionEnd {
    /// The coupon is spent.
    Redeemed(Box<Redemption>),
    /// Its charge was declined: it is as if it had never been tried, but not by this reference.
    Declined(DeclineReason),
}

/// A spent coupon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redemption {
    /// Our name for its charge.
    pub transaction_id: String,
    /// The plan.
    pub plan: ExtId,
    /// How many months it pays for.
    pub months: u8,
    /// What it is for.
    pub offer: OfferId,
    /// What it cost.
    pub amount: Money,
    /// Whose days they are; of a gift to somebody that onbill does not know, nobody's.
    pub pai: Option<Pai>,
    /// The days.
    pub service_period: ServicePeriod,
}

impl Redemption {
    /// The name of its charge, where partners name the others.
    pub fn ext_transaction_id(&self) -> Option<ExtId> {
        charge_name(&self.transaction_id)
    }
}

/// Somebody whose coupon's days end soon.
#[derive(Clone, Debug)]
pub struct ReminderDue {
    /// The coupon's charge.
    pub transaction_id: String,
    /// Their number, as it is today.
    pub number: SealedNumber,
    /// Which holder of it they are.
    pub subscriber_ref: String,
    /// Their language, as far as the coupon tells.
    pub locale: Locale,
    /// What it is that ends.
    pub offer: OfferId,
    /// Their last day.
    pub paid_until: Day,
}

/// The first day that nothing has been paid for, and the months from it on; `None` where the calendar ends.
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
