//! Resends a coupon with another code, and voids a coupon.

use super::desk::Coupons;
use super::text;
use crate::fault::Failure;
use crate::store::{AuditStamp, ChangeCouponResult, CouponCodeSms, CouponRow};
use onbill_domain::ids::ExtId;
use onbill_domain::limits::COUPON_SMS_MAX;
use onbill_domain::reject::{ErrorCode, Reject};
use onbill_domain::signature::Nonce;
use onbill_domain::timestamp::Timestamp;

impl Coupons {
    /// Gives a coupon another code and sends it. The old code is known only by its hash, and is
    /// void from then on.
    ///
    /// 1. The coupon must exist: 404 `not-found`; and its buyer must still be a subscriber: 400
    ///    `account-not-eligible`.
    /// 2. Sends nothing more where it was already sent under the reference of the stamp. Otherwise the coupon
    ///    must still be redeemable: 409 `token-already-used`, 400 `token-expired` or
    ///    `token-invalid`; and must not have reached its maximum number of SMS: 400
    ///    `invalid-request`. No other system may charge the buyer: 503 `service-unavailable`. The act is
    ///    an entry in the audit.
    pub async fn resend(
        &self,
        nonce: Option<Nonce>,
        stamp: AuditStamp,
        id: &ExtId,
    ) -> Result<CouponRow, Failure> {
        // 1. and 2.
        let now = self.clock.now();
        let text = self.renew_message(id).await?;
        require_done(self.store.resend_sms(nonce, now, stamp, id.clone(), text).await?, now)
    }

    /// An SMS with another code.
    async fn renew_message(&self, id: &ExtId) -> Result<CouponCodeSms, Failure> {
        let row = self.store.find_coupon(id.clone()).await?.ok_or_else(coupon_not_found)?;
        let settings = self.config.coupons.as_ref();
        let settings = settings
            .ok_or_else(|| Reject::new(ErrorCode::ParameterNotSupported, "Coupons are not sold here."))?;
        let buyer = self.store.find_coupon_buyer(id.clone()).await?.ok_or_else(buyer_left)?;
        let msisdn = self.vault.open_number(&buyer.number.sealed)?;
        let title = self.config.offer(&row.offer).map_or(row.description.as_str(), |offer| &offer.title);
        let about = text::CouponTerms { offer: title, months: row.months, expires_at: row.expires_at };
        Ok(self.new_message(settings, &msisdn, &buyer.subscriber_ref, buyer.locale, &about, true)?)
    }

    /// Voids a coupon permanently: 404 `not-found`, 409 `token-already-used` when it is redeemed. The act
    /// is an entry in the audit.
    pub async fn void(
        &self,
        nonce: Option<Nonce>,
        stamp: AuditStamp,
        id: &ExtId,
    ) -> Result<CouponRow, Failure> {
        let now = self.clock.now();
        require_void(self.store.void_coupon_by_hand(nonce, now, stamp, id.clone()).await?, now)
    }
}

/// The coupon as it was voided, or why it was not.
fn require_void(result: ChangeCouponResult, now: Timestamp) -> Result<CouponRow, Failure> {
    match result {
        ChangeCouponResult::Done(row) | ChangeCouponResult::Repeated(row) => Ok(*row),
        ChangeCouponResult::NotFound
        | ChangeCouponResult::BuyerGone(_)
        | ChangeCouponResult::NotCutOver(_) => Err(coupon_not_found().into()),
        ChangeCouponResult::NotAllowed(row) => Err(why_not(&row, now).into()),
    }
}

/// The coupon as it was sent again, or why it was not.
fn require_done(result: ChangeCouponResult, now: Timestamp) -> Result<CouponRow, Failure> {
    match result {
        ChangeCouponResult::Done(row) | ChangeCouponResult::Repeated(row) => Ok(*row),
        ChangeCouponResult::NotFound => Err(coupon_not_found().into()),
        ChangeCouponResult::BuyerGone(_) => Err(buyer_left().into()),
        ChangeCouponResult::NotCutOver(_) => Err(buyer_charged_elsewhere().into()),
        ChangeCouponResult::NotAllowed(row) => Err(why_not(&row, now).into()),
    }
}

/// 404 `not-found`.
pub(crate) fn coupon_not_found() -> Reject {
    Reject::new(ErrorCode::NotFound, "There is no such coupon.")
}

fn buyer_left() -> Reject {
    Reject::new(
        ErrorCode::AccountNotEligible,
        "The coupon's buyer has left, and its code goes to no one else.",
    )
}

fn buyer_charged_elsewhere() -> Reject {
    Reject::new(
        ErrorCode::ServiceUnavailable,
        "Another system charges the coupon's buyer until they are switched to onbill: send it again then. The \
         code that they have stays.",
    )
}

fn why_not(row: &CouponRow, now: Timestamp) -> Reject {
    if row.voided_at.is_some() {
        Reject::new(ErrorCode::TokenInvalid, "The coupon is void.")
    } else if row.redeemed_at.is_some() {
        Reject::new(ErrorCode::TokenAlreadyUsed, "The coupon is redeemed.")
    } else if now >= row.expires_at {
        Reject::new(ErrorCode::TokenExpired, "The coupon can no longer be redeemed.")
    } else {
        Reject::invalid_request(format!("The coupon has had its {COUPON_SMS_MAX} text messages."))
    }
}
