//! Coupons: made, sent, changed. How they are spent is in [`super::redemption`].

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
    /// Records a coupon and puts its text message into the outbox; its buyer is put on record and gets a PAI, where that
    /// has not been done. Without a nonce when a person reads in a file.
    pub async fn issue_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        new: NewCoupon,
    ) -> Result<CouponIssue, StoreError> {
        use_case!(self, write(nonce), issue(now, &new))
    }

    /// A coupon, by the operator's name for it.
    pub async fn coupon(&self, id: ExtId) -> Result<Option<CouponRow>, StoreError> {
        use_case!(self, read, find(&id))
    }

    /// A page of the coupons, in the order of the operator's names for them, after `after`.
    pub async fn coupons(
        &self,
        after: Option<ExtId>,
        which: WhichCoupons,
        limit: u32,
    ) -> Result<Vec<CouponRow>, StoreError> {
        use_case!(self, read, page(after.as_ref(), which, limit))
    }

    /// Who has bought a coupon, if their PAI is open: whoever gets another text message.
    pub async fn coupon_buyer(&self, id: ExtId) -> Result<Option<CouponBuyer>, StoreError> {
        use_case!(self, read, buyer(&id))
    }

    /// Gives a coupon another code, with a text message that says so. The old code is nobody's from then on, and its
    /// message is not sent any more. Under a name that the operator has used for this before, it stays as it is.
    pub async fn renew_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        id: ExtId,
        resend_id: Option<ExtId>,
        text: CouponText,
    ) -> Result<CouponChange, StoreError> {
        use_case!(self, write(nonce), renew(now, &id, resend_id.as_ref(), &text))
    }

    /// Takes a coupon back, for ever. One that is void already stays so.
    pub async fn void_coupon(
        &self,
        nonce: Option<Nonce>,
        now: Timestamp,
        id: ExtId,
    ) -> Result<CouponChange, StoreError> {
        use_case!(self, write(nonce), void(now, &id))
    }

    /// The last day that coupons have paid for a PAI, if that is not over.
    pub async fn paid_until(&self, pai: Pai, today: Day) -> Result<Option<Day>, StoreError> {
        use_case!(self, read, paid_until(pai, today))
    }
}

/// A coupon to record.
#[derive(Clone)]
pub struct NewCoupon {
    /// Our name for it.
    pub coupon_id: String,
    /// The operator's.
    pub ext_coupon_id: ExtId,
    /// Hash of everything in the request.
    pub fingerprint: Hash,
    /// Who has bought it, and of which partner.
    pub buyer: NewPai,
    /// The plan.
    pub plan: ExtId,
    /// How many months it pays for.
    pub months: u8,
    /// What it is for.
    pub offer: OfferId,
    /// The line of its charge.
    pub description: String,
    /// The language of its text messages.
    pub locale: Locale,
    /// What it costs.
    pub amount: Money,
    /// Its code, and the message with it.
    pub text: CouponText,
    /// Until when it can be redeemed.
    pub expires_at: Timestamp,
}

/// A code and the text message that carries it.
#[derive(Clone)]
pub struct CouponText {
    /// Keyed hash of the code.
    pub code: Hash,
    /// The sealed text message.
    pub message: Vec<u8>,
}

/// How recording a coupon went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouponIssue {
    /// Recorded now.
    Created(Box<CouponRow>),
    /// Recorded before.
    Replayed(Box<CouponRow>),
    /// Recorded before, with other contents.
    Conflict,
}

/// A coupon as the books have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponRow {
    /// Our name for it.
    pub coupon_id: String,
    /// The operator's.
    pub ext_coupon_id: ExtId,
    /// Hash of everything in the request; `None` when its buyer was erased, as the number is in it.
    pub fingerprint: Option<Hash>,
    /// Its buyer's.
    pub pai: Pai,
    /// The plan.
    pub plan: ExtId,
    /// How many months it pays for.
    pub months: u8,
    /// What it is for.
    pub offer: OfferId,
    /// The line of its charge.
    pub description: String,
    /// What it costs.
    pub amount: Money,
    /// Text messages with a code, so far.
    pub texts: u32,
    /// When it was made.
    pub issued_at: Timestamp,
    /// Until when it can be redeemed.
    pub expires_at: Timestamp,
    /// When the message centre took the newest text message.
    pub sent_at: Option<Timestamp>,
    /// When that was on the phone.
    pub delivered_at: Option<Timestamp>,
    /// That it never will be, or that there is nothing to wait for.
    pub undelivered: Option<Undelivered>,
    /// When it was taken back.
    pub voided_at: Option<Timestamp>,
    /// When it was redeemed.
    pub redeemed_at: Option<Timestamp>,
    /// Its charge, when it is redeemed.
    pub transaction_id: Option<String>,
    /// The days that it pays for, when it is redeemed.
    pub service_period: Option<ServicePeriod>,
    /// Whether it was redeemed for somebody else than its buyer.
    pub is_gift: bool,
    /// Since when it is known that billing will not take its charge.
    pub unpaid_at: Option<Timestamp>,
}

impl CouponRow {
    /// How it stands.
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

    /// Whether it is what a request asks for: of an erased buyer's, nobody can say any more.
    pub fn is_of(&self, fingerprint: &Hash) -> bool {
        self.fingerprint.as_ref().is_none_or(|kept| kept == fingerprint)
    }

    /// As the operator's systems see it.
    pub fn answer(&self, now: Timestamp) -> CouponResponse {
        let (coupon_id, ext_coupon_id) = (self.coupon_id.clone(), self.ext_coupon_id.clone());
        CouponResponse { coupon_id, ext_coupon_id, state: self.state(now) }
    }

    /// The same with all that is known of it.
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

/// Which coupons to list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichCoupons {
    /// All of them.
    All,
    /// Those that were redeemed, and that billing refused afterwards.
    Unpaid,
    /// Those that could still be redeemed at this time, and whose text message is not coming.
    Undelivered(Timestamp),
}

/// Whom a coupon's text messages are for.
#[derive(Clone, Debug)]
pub struct CouponBuyer {
    /// Their number, as it is today.
    pub number: SealedNumber,
    /// Which holder of it they are.
    pub subscriber_ref: String,
    /// Their language.
    pub locale: Locale,
}

/// How changing a coupon went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CouponChange {
    /// Done, now or before.
    Done(Box<CouponRow>),
    /// No such coupon.
    NotFound,
    /// Its buyer has left: there is nobody to send it to.
    BuyerLeft,
    /// It cannot be: this is how it stands.
    Not(Box<CouponRow>),
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
