//! Coupons: issued, resent, voided. Redeeming them is in [`super::redemption`].

pub(super) mod postgres;
pub(super) mod sqlite;

use crate::store::database::{Store, use_case};
use crate::store::error::StoreError;
use crate::store::number::{Hash, SealedNumber};
use crate::store::pai::NewPai;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::ids::{ExtId, OfferId};
use onbill_domain::locale::Locale;
use onbill_domain::money::Money;
use onbill_domain::pai::Pai;
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;
use onbill_domain::wire::coupon::{CouponDetails, CouponResponse, CouponState, Undelivered};

impl Store {
    /// Records a coupon and puts its SMS into the queue. The buyer is recorded and gets a PAI if
    /// there is none yet. There is no nonce when the coupon comes from a file.
    pub async fn issue_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewCoupon,
    ) -> Result<IssueCouponResult, StoreError> {
        use_case!(self, write(nonce), issue_coupon(now, &new))
    }

    /// Finds a coupon by the operator's id.
    pub async fn find_coupon(&self, id: ExtId) -> Result<Option<CouponRow>, StoreError> {
        use_case!(self, look_up, find_coupon(&id))
    }

    /// A page of coupons after `after`, ordered by the operator's id.
    pub async fn list_coupons(
        &self,
        after: Option<ExtId>,
        which: CouponFilter,
        limit: u32,
    ) -> Result<Vec<CouponRow>, StoreError> {
        use_case!(self, read, list_coupons(after.as_ref(), which, limit))
    }

    /// Finds the recipient of the coupon's SMS; `None` when their PAI is closed.
    pub async fn find_coupon_buyer(&self, id: ExtId) -> Result<Option<CouponBuyer>, StoreError> {
        use_case!(self, read, find_coupon_buyer(&id))
    }

    /// The last day that coupons have paid for, if it is today or later.
    pub async fn find_paid_until(&self, pai: Pai, today: Day) -> Result<Option<Day>, StoreError> {
        use_case!(self, read, find_paid_until(pai, today))
    }
}

#[derive(Clone)]
pub struct NewCoupon {
    pub coupon_id: String,
    pub ext_coupon_id: ExtId,
    /// Hash of the whole request: a replay must have the same.
    pub fingerprint: Hash,
    pub buyer: NewPai,
    pub plan: ExtId,
    pub months: u8,
    pub offer: OfferId,
    /// The text of its line on the bill.
    pub description: String,
    pub locale: Locale,
    pub amount: Money,
    pub text: CouponCodeSms,
    pub expires_at: Timestamp,
}

/// A code and the SMS that carries it.
#[derive(Clone)]
pub struct CouponCodeSms {
    /// Keyed hash of the code.
    pub code: Hash,
    /// The sealed SMS.
    pub message: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IssueCouponResult {
    Created(Box<CouponRow>),
    /// The coupon was recorded before.
    Replayed(Box<CouponRow>),
    /// The coupon was recorded before, with other contents.
    Conflict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponRow {
    pub coupon_id: String,
    pub ext_coupon_id: ExtId,
    /// `None` when the buyer was erased, as the request has the number in it.
    pub fingerprint: Option<Hash>,
    /// The PAI of the buyer.
    pub pai: Pai,
    pub plan: ExtId,
    pub months: u8,
    pub offer: OfferId,
    pub description: String,
    pub amount: Money,
    /// How many SMS with a code there have been.
    pub texts: u32,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// When the SMS gateway accepted the newest SMS.
    pub sent_at: Option<Timestamp>,
    /// When the newest SMS was on the phone.
    pub delivered_at: Option<Timestamp>,
    /// Why the newest SMS does not arrive.
    pub undelivered: Option<Undelivered>,
    pub voided_at: Option<Timestamp>,
    pub redeemed_at: Option<Timestamp>,
    /// The charge of its redemption.
    pub transaction_id: Option<String>,
    /// The days that its redemption pays for.
    pub service_period: Option<ServicePeriod>,
    /// It was redeemed for another subscriber than its buyer.
    pub is_gift: bool,
    /// Billing declined the charge after the coupon was spent.
    pub unpaid_at: Option<Timestamp>,
}

impl CouponRow {
    pub fn state(&self, now: Timestamp) -> CouponState {
        if self.voided_at.is_some() {
            CouponState::Voided
        } else if self.redeemed_at.is_some() {
            CouponState::Redeemed
        } else if now >= self.expires_at {
            CouponState::Expired
        } else if self.delivered_at.is_some() {
            CouponState::Delivered
        } else if self.sent_at.is_some() {
            CouponState::Sent
        } else {
            CouponState::Issued
        }
    }

    /// Whether a request with this fingerprint is a replay. An erased buyer's coupon has no
    /// fingerprint to compare, and every request counts as one.
    pub fn is_of(&self, fingerprint: &Hash) -> bool {
        self.fingerprint.as_ref().is_none_or(|kept| kept == fingerprint)
    }

    pub fn answer(&self, now: Timestamp) -> CouponResponse {
        let (coupon_id, ext_coupon_id) = (self.coupon_id.clone(), self.ext_coupon_id.clone());
        CouponResponse { coupon_id, ext_coupon_id, state: self.state(now) }
    }

    pub fn view(&self, now: Timestamp) -> CouponDetails {
        CouponDetails {
            coupon: self.answer(now),
            plan: self.plan.clone(),
            months: self.months,
            offer: self.offer.clone(),
            amount: self.amount,
            sms_count: self.texts,
            issued_at: self.issued_at,
            sent_at: self.sent_at,
            delivered_at: self.delivered_at,
            undelivered: self.undelivered.clone(),
            expires_at: self.expires_at,
            redeemed_at: self.redeemed_at,
            service_period: self.service_period,
            transaction_id: self.transaction_id.clone(),
            gift: self.is_gift,
            unpaid: self.unpaid_at.is_some(),
            voided_at: self.voided_at,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CouponFilter {
    All,
    /// Redeemed, and declined by billing afterwards.
    Unpaid,
    /// Redeemable at this time, and the SMS does not arrive.
    Undelivered(Timestamp),
}

/// The recipient of a coupon's SMS.
#[derive(Clone, Debug)]
pub struct CouponBuyer {
    pub number: SealedNumber,
    pub subscriber_ref: String,
    pub locale: Locale,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeCouponResult {
    /// Done now, or a void coupon voided again.
    Done(Box<CouponRow>),
    /// It was sent under this id before: nothing more is.
    Repeated(Box<CouponRow>),
    NotFound,
    /// The buyer's PAI, this one, is closed, so there is no one to send it to.
    BuyerGone(Pai),
    /// The buyer's PAI, this one, is dark: an SMS would wait, and the code that the buyer has would be void.
    NotCutOver(Pai),
    /// The coupon is in a state that does not allow it.
    NotAllowed(Box<CouponRow>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_coupon_stands_follows_from_its_times() {
        let at = Timestamp::from_unix_seconds;
        let mut row = CouponRow {
            coupon_id: "c".to_owned(),
            ext_coupon_id: ExtId::parse("e").expect("is an identifier"),
            fingerprint: None,
            pai: Pai::from_random([1; 16]),
            plan: ExtId::parse("6M").expect("is an identifier"),
            months: 6,
            offer: OfferId::parse("netflix-standard").expect("is a slug"),
            description: "Netflix".to_owned(),
            amount: Money {
                amount_minor: 8999,
                currency: onbill_domain::currency::Currency::parse("USD").expect("is listed"),
            },
            texts: 1,
            issued_at: at(10),
            expires_at: at(100),
            sent_at: None,
            delivered_at: None,
            undelivered: None,
            voided_at: None,
            redeemed_at: None,
            transaction_id: None,
            service_period: None,
            is_gift: false,
            unpaid_at: None,
        };
        assert_eq!(row.state(at(99)), CouponState::Issued);
        row.sent_at = Some(at(11));
        assert_eq!(row.state(at(99)), CouponState::Sent);
        row.delivered_at = Some(at(12));
        assert_eq!((row.state(at(99)), row.state(at(100))), (CouponState::Delivered, CouponState::Expired));
        row.redeemed_at = Some(at(50));
        assert_eq!(row.state(at(100)), CouponState::Redeemed);
        row.redeemed_at = None;
        row.voided_at = Some(at(60));
        assert_eq!(row.state(at(100)), CouponState::Voided);
    }
}
