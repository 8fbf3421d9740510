//! The coupons that were redeemed here, and onbill's responses. No HTTP, no clock.
//!
//! As strict as the rest of the ledger: a coupon is redeemed once, under one reference, for the
//! days of its plan. The ledger, which has all charges, checks that nothing else has paid for these
//! days.

use super::report::ReportError;
use onbill_domain::day::{Day, ServicePeriod};
use onbill_domain::digest::sha256;
use onbill_domain::ids::ExtId;
use onbill_domain::wire::coupon::{COUPON_CHARGE_PREFIX, CouponRedeemRequest, CouponRedeemResponse};

/// One that onbill has confirmed.
struct ConfirmedRedemption {
    reference: ExtId,
    /// A hash of the code without spaces, dashes and case. The code itself is not kept.
    code: [u8; 32],
    reported: CouponRedeemResponse,
}

#[derive(Default)]
pub(super) struct Redemptions(Vec<ConfirmedRedemption>);

impl Redemptions {
    /// Takes a response of this day; returns whether it is new.
    ///
    /// 1. The days are those of the plan, not over yet, and for the requested subscriber; the
    ///    charge has a coupon's id.
    /// 2. The same reference again has the same response.
    /// 3. No code and no charge has two redemptions.
    pub(super) fn record(
        &mut self,
        asked: &CouponRedeemRequest,
        reported: &CouponRedeemResponse,
        today: Day,
    ) -> Result<bool, ReportError> {
        // 1.
        let days = reported.service_period;
        if reported.status != "REDEEMED" || reported.amount.amount_minor < 1 {
            return Err(ReportError::Impossible("neither redeemed nor refused, or for nothing"));
        }
        if ServicePeriod::from_months(days.from(), reported.months) != Some(days) || days.to() < today {
            return Err(ReportError::Impossible("other days than those of the plan"));
        }
        if asked.pai.is_some() && asked.pai != reported.pai {
            return Err(ReportError::Impossible("for another subscriber than asked for"));
        }
        if !reported.ext_transaction_id.as_str().starts_with(COUPON_CHARGE_PREFIX) {
            return Err(ReportError::Impossible("its charge is named as one of ours"));
        }
        // 2.
        if let Some(before) = self.0.iter().find(|each| each.reference == asked.ext_reference) {
            let fine = before.reported == *reported;
            return if fine {
                Ok(false)
            } else {
                Err(ReportError::Contradicts("it was answered otherwise before"))
            };
        }
        // 3.
        let code = fingerprint(&asked.code);
        let is_same = |each: &ConfirmedRedemption| {
            each.code == code || each.reported.ext_transaction_id == reported.ext_transaction_id
        };
        if self.0.iter().any(is_same) {
            return Err(ReportError::Contradicts("it was redeemed before, under another reference"));
        }
        let reference = asked.ext_reference.clone();
        self.0.push(ConfirmedRedemption { reference, code, reported: reported.clone() });
        Ok(true)
    }
}

fn fingerprint(code: &str) -> [u8; 32] {
    let symbols: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    sha256(symbols.to_ascii_uppercase().as_bytes())
}
