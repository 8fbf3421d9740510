//! A coupon's SMS, with a new code or with a reminder, sealed for the queue.

use super::desk::Coupons;
use super::text;
use crate::config::CouponSettings;
use crate::delivery::{CouponSms, seal};
use crate::fault::Fault;
use crate::store::CouponCodeSms;
use onbill_domain::coupon_code::CouponCode;
use onbill_domain::locale::Locale;
use onbill_domain::msisdn::Msisdn;
use onbill_domain::timestamp::Timestamp;
use zeroize::Zeroizing;

impl Coupons {
    /// Draws a new code and seals the SMS that carries it.
    pub(super) fn new_message(
        &self,
        settings: &CouponSettings,
        msisdn: &Msisdn,
        subscriber_ref: &str,
        locale: Locale,
        about: &text::CouponTerms<'_>,
        replaces: bool,
    ) -> Result<CouponCodeSms, Fault> {
        let code = CouponCode::from_random(settings.tag, self.random.bytes());
        let spelled = Zeroizing::new(code.grouped());
        let body = text::coupon_sms(&self.config.name, &spelled, about, replaces, locale);
        let message = self.seal_message(msisdn, body, subscriber_ref, about.expires_at)?;
        Ok(CouponCodeSms { code: self.vault.coupon_hash(&code), message })
    }

    /// Seals an SMS to a subscriber, to be sent before `expires_at`.
    pub(super) fn seal_message(
        &self,
        msisdn: &Msisdn,
        body: String,
        subscriber_ref: &str,
        expires_at: Timestamp,
    ) -> Result<Vec<u8>, Fault> {
        let (msisdn, subscriber_ref) = (msisdn.clone(), subscriber_ref.to_owned());
        seal(&self.vault, &*self.random, &CouponSms { msisdn, body, subscriber_ref, expires_at })
    }
}
